"""Whatever happens while a commit is written, the repository is whole: unchanged, or with the finished branch."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import KernelTree, Signature

ADA = Signature("Ada", "ada@example.org", 1_300_000_000)
CHANGES = {"a/b/c": b"2\n", "a/d": b"2\n", "e": b"2\n" * 10_000}
STEPS = 12
"""More than there are: blobs, folders, the commit, and before, under and after the lock."""


def _in_child(work: Callable[[], None]) -> int:
    """What ended the forked process that did `work`: 0, or the negative number of a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die_at(step: int) -> None:
    """Make this process kill itself before the step of this number (from 0) that writes anything."""
    count = -1

    def mortal(function):
        def called(*arguments, **options):
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return called

    transaction = pygit2.transaction.ReferenceTransaction
    pygit2.Repository.write = mortal(pygit2.Repository.write)
    for name in ("lock_ref", "set_target", "commit", "__exit__"):
        setattr(transaction, name, mortal(getattr(transaction, name)))


def _fsck(path: Path) -> None:
    command = ["git", "-C", str(path), "fsck", "--strict", "--no-dangling"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("notice: ")]
    assert (done.returncode, said) == (0, [])


def _write(path: Path, base, *, ref="topic", expect=None, changes=CHANGES):
    tree = KernelTree.open(path)
    return tree.write(base=base, changes=changes, message=b"m\n", author=ADA, committer=ADA, ref=ref, expect=expect)


@pytest.mark.parametrize("is_new", [True, False])
def test_killed_at_any_step_the_branch_is_as_it_was_or_finished(scratch, is_new):
    ended = set()
    for step in range(STEPS):
        repo = scratch()
        base = repo.commit({"a/b/c": b"1\n"}, branch=None if is_new else "topic")

        def work(step=step, repo=repo, base=base):
            _die_at(step)
            _write(repo.path, base, expect=None if is_new else base)

        code = _in_child(work)
        ended.add(code)
        _fsck(repo.path)
        fresh = KernelTree.open(repo.path)
        there = fresh.resolve("topic").oid if "topic" in fresh.branches() else None
        if there != (None if is_new else base):
            assert fresh.at(there).read("e") == CHANGES["e"]
        else:
            assert code == -signal.SIGKILL
        if code == 0:
            assert there is not None
            continue
        # The next run does the same work: what was left (but for a lock, which is said) is in nobody's way.
        if there == (None if is_new else base):
            for lock in repo.path.rglob("*.lock"):
                with pytest.raises(KpatchError) as refusal:
                    _write(repo.path, base, expect=None if is_new else base)
                assert refusal.value.code == "branch-locked"
                lock.unlink()
            _write(repo.path, base, expect=None if is_new else base)
        _fsck(repo.path)
    assert ended == {0, -signal.SIGKILL}


def test_without_room_for_an_object_nothing_is_there(scratch):
    repo = scratch()
    base = repo.commit({"a/b/c": b"1\n"})
    noise = os.urandom(1 << 16)

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, 1 << 12))
        with pytest.raises(KpatchError) as refusal:
            _write(repo.path, base, changes={"e": noise})
        assert refusal.value.code == "read-only-repository"

    assert _in_child(work) == 0
    assert "topic" not in KernelTree.open(repo.path).branches()
    _fsck(repo.path)
    assert KernelTree.open(repo.path).at(_write(repo.path, base, changes={"e": noise})).read("e") == noise
    _fsck(repo.path)


def test_a_write_that_fails_in_between_leaves_the_branch(scratch, monkeypatch):
    repo = scratch()
    base = repo.commit({"a/b/c": b"1\n"}, branch="topic")
    write = pygit2.Repository.write
    for failing in range(6):
        count = iter(range(100))

        def refuses(self, kind, data, count=count, failing=failing):
            if next(count) == failing:
                raise OSError(28, "No space left on device")
            return write(self, kind, data)

        monkeypatch.setattr(pygit2.Repository, "write", refuses)
        with pytest.raises(KpatchError) as refusal:
            _write(repo.path, base, expect=base)
        assert "No space left" in refusal.value.message
        assert KernelTree.open(repo.path).resolve("topic").oid == base
        _fsck(repo.path)


RACER = """
import sys
from pathlib import Path
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import KernelTree, Signature
path, base, name, shared = sys.argv[1:]
me = Signature(name, "x@example.org", 1)
tree = KernelTree.open(Path(path))
sys.stdin.readline()
for ref in (shared, name):
    try:
        oid = tree.write(
            base=base, changes={"a": name.encode()}, message=b"m", author=me, committer=me, ref=ref
        )
        print(ref, oid)
    except KpatchError as error:
        print(ref, error.code)
"""


def test_of_runs_at_once_one_makes_the_branch_and_all_make_their_own(scratch):
    for attempt in range(2):
        repo = scratch()
        base = repo.commit({"a": b"1\n"})
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, str(repo.path), base, f"own-{number}", "shared"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(3)
        ]
        said = []
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        for racer in racers:
            out, _ = racer.communicate()
            said.append(dict(row.split() for row in out.splitlines()))
        fresh = KernelTree.open(repo.path)
        shared = fresh.resolve("shared").oid
        assert [one["shared"] for one in said].count(shared) == 1, attempt
        assert {one["shared"] for one in said} - {shared} <= {"branch-exists", "branch-locked"}
        assert all(fresh.resolve(f"own-{number}").oid == one[f"own-{number}"] for number, one in enumerate(said))
        _fsck(repo.path)
