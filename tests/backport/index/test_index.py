"""The index of commits: it says what git says, and neither kills, races nor damage make it say anything else."""

import os
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.backport.index import CommitIndex, building, open_index
from kpatch_tools.backport.indexed import IndexedPast, open_past
from kpatch_tools.backport.past import WalkedPast
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import CommitData, KernelTree

NAMES = ("mm/a.c", "mm/b.c", "x86/c.c")


def write_commit(
    repository: pygit2.Repository,
    parents: list[ObjectId],
    files: dict[str, str],
    message: str,
    *,
    when: int = 1_300_000_000,
) -> ObjectId:
    """A commit of exactly these files, with any number of parents, that nothing refers to."""
    index = pygit2.Index()
    for path, text in files.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("Some Body", "some@example.org", when, 0)
    tree = index.write_tree(repository)
    return ObjectId(str(repository.create_commit(None, who, who, message, tree, list(parents))))


@pytest.fixture
def repository(tmp_path: Path) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path / "kernel.git"), bare=True)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that is written every other commit, so that few commits have many moments to be killed at."""
    monkeypatch.setattr(building, "_BATCH", 2)
    monkeypatch.setattr(building, "_WRITTEN", 1)


def line_of(repository: pygit2.Repository, length: int, on: ObjectId | None = None) -> list[ObjectId]:
    """Commits one after another, each with a file of its own."""
    made = [] if on is None else [on]
    for number in range(length):
        files = {f"file{number}.c": f"int v{number};\n"}
        made.append(write_commit(repository, made[-1:], files, f"step {number} of {length}\n"))
    return made if on is None else made[1:]


def opened(repository: pygit2.Repository, folder: Path, *tips: ObjectId) -> CommitIndex:
    index = open_index(KernelTree.open(Path(repository.path)), folder, tips=tips)
    assert index is not None
    return index


def git(repository: pygit2.Repository, *arguments: str) -> list[str]:
    done = subprocess.run(["git", "-C", repository.path, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[int], dict[str, int]]]:
    """For each commit the numbers of its parents (none, one or two), and a number for each of its files."""
    commits: list[tuple[list[int], dict[str, int]]] = []
    for number in range(draw(st.integers(1, 12))):
        parents = draw(st.lists(st.integers(0, number - 1), max_size=2, unique=True)) if number else []
        commits.append((parents, draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), min_size=1))))
    return commits


@given(history=histories())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_says_what_git_says(tmp_path_factory, history):
    folder = tmp_path_factory.mktemp("any")
    repository = pygit2.init_repository(str(folder / "kernel.git"), bare=True)
    made: list[ObjectId] = []
    for number, (parents, files) in enumerate(history):
        contents = {path: f"int v{version};\n" for path, version in files.items()}
        made.append(write_commit(repository, [made[one] for one in parents], contents, f"commit {number}\n"))
    index = opened(repository, folder / "cache", made[-1])
    reached = set(git(repository, "rev-list", made[-1]))
    assert {index.oid(number) for number in range(len(index))} == reached
    for tip in reached:
        below = index.below([tip])
        assert {index.oid(n) for n in range(len(index)) if below[n]} == set(git(repository, "rev-list", tip))
    for path in NAMES:
        touching = {index.oid(number) for number in index.touching([RepoPath(path)])}
        listed = git(
            repository,
            "log",
            "--format=%H",
            "--full-history",
            "--min-parents=1",
            "--max-parents=1",
            made[-1],
            "--",
            path,
        )
        assert touching == set(listed)


SAID = ("mm: keep it", "mm: let it go", "mm: keep it once more")
MESSAGES = ("{subject}\n", "{subject}\n\nSee {earlier}.\n", '{subject}\n\nThis follows ("mm: keep\nit").\n')


@st.composite
def lines_of_history(draw: st.DrawFn) -> list[tuple[dict[str, int], str, str]]:
    """For each commit its files, its subject, and the form of its message."""
    files = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), min_size=1)
    commit = st.tuples(files, st.sampled_from(SAID), st.sampled_from(MESSAGES))
    return draw(st.lists(commit, min_size=2, max_size=8))


def ids(commits: Iterable[CommitData]) -> list[ObjectId]:
    return [commit.oid for commit in commits]


@given(history=lines_of_history(), chosen=st.integers(0, 7))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_answers_as_a_walk_does(tmp_path_factory, history, chosen):
    folder = tmp_path_factory.mktemp("any")
    repository = pygit2.init_repository(str(folder / "kernel.git"), bare=True)
    made: list[ObjectId] = []
    for files, subject, form in history:
        message = form.format(subject=subject, earlier=made[-1][:8] if made else "nothing")
        contents = {path: f"int v{version};\n" for path, version in files.items()}
        made.append(write_commit(repository, made[-1:], contents, message, when=1_300_000_000 + 60 * len(made)))
    tree, tip = KernelTree.open(Path(repository.path)), made[-1]
    one = tree.commit(made[chosen % len(made)])
    walked, indexed = WalkedPast(tree), open_past(tree, folder / "cache", tips=[tip])
    assert isinstance(indexed, IndexedPast)
    for paths in ([RepoPath(NAMES[0])], [RepoPath(name) for name in NAMES[1:]]):
        for after in (None, one):
            assert ids(indexed.touching(paths, tips=[tip], after=after)) == ids(
                walked.touching(paths, tips=[tip], after=after)
            )
            assert ids(indexed.only_touching(paths, tips=[tip], after=after)) == ids(
                walked.only_touching(paths, tips=[tip], after=after)
            )
        assert ids(indexed.between(one.oid, tip, paths)) == ids(walked.between(one.oid, tip, paths))
    assert ids(indexed.speaking_of(one, tips=[tip])) == ids(walked.speaking_of(one, tips=[tip]))
    assert ids(indexed.called(one.subject, below=tip)) == ids(walked.called(one.subject, below=tip))
    for other in made:
        assert indexed.is_ancestor(other, one.oid) == walked.is_ancestor(other, one.oid)
        assert indexed.find(other[:10], below=one.oid) == walked.find(other[:10], below=one.oid)


def test_it_grows_with_the_history(repository, tmp_path):
    first = line_of(repository, 3)
    assert len(opened(repository, tmp_path / "cache", first[-1])) == 3
    more = line_of(repository, 2, on=first[-1])
    index = opened(repository, tmp_path / "cache", more[-1])
    assert [index.number(oid) for oid in first + more] == [0, 1, 2, 3, 4]
    assert list(index.below([first[-1]])) == [1, 1, 1, 0, 0]


def test_a_commit_that_it_lacks_stands_for_those_that_it_has(repository, tmp_path):
    known = line_of(repository, 3)
    tree = KernelTree.open(Path(repository.path))
    past = open_past(tree, tmp_path / "cache", tips=known[-1:])
    unknown = line_of(repository, 2, on=known[-1])
    assert past.is_ancestor(known[0], unknown[-1])
    assert not past.is_ancestor(unknown[-1], known[0])
    assert ids(past.between(known[0], unknown[-1], [RepoPath("file1.c")])) == known[1:]
    assert ids(past.between(unknown[-1], known[-1], [RepoPath("file1.c")])) == []


def test_one_is_only_made_where_that_is_wanted(repository, tmp_path):
    tip = line_of(repository, 2)[-1]
    tree, folder = KernelTree.open(Path(repository.path)), tmp_path / "cache"
    assert open_index(tree, folder, tips=[tip], make=False) is None
    assert not folder.exists()
    assert open_index(tree, folder, tips=[tip]) is not None
    more = line_of(repository, 2, on=tip)
    extended = open_index(tree, folder, tips=more[-1:], make=False)
    assert extended is not None
    assert len(extended) == 4


def test_what_messages_speak_of_is_found(repository, tmp_path):
    cause = write_commit(repository, [], {"a.c": "1"}, "mm: keep the last page\n")
    fix = write_commit(repository, [cause], {"a.c": "2"}, f'mm: let it go\n\nFixes: {cause[:10]} ("mm: keep")\n')
    quoting = write_commit(repository, [fix], {"a.c": "3"}, 'mm: more\n\nThis follows ("mm: keep the\nlast page").\n')
    silent = write_commit(repository, [quoting], {"a.c": "4"}, "mm: other\n\nNothing to see in 1234567.\n")
    index = opened(repository, tmp_path / "cache", silent)
    assert [index.oid(n) for n in index.speaking_of(cause, "mm: keep the last page")] == [fix, quoting]
    assert [index.oid(n) for n in index.called("MM:  keep the last page")] == [cause]
    assert [index.oid(n) for n in index.find(fix[:9])] == [fix]
    assert not index.speaking_of(silent, "mm: other")


def test_a_history_that_is_not_whole_has_no_index(repository, tmp_path):
    tip = line_of(repository, 2)[-1]
    (Path(repository.path) / "shallow").write_text(tip + "\n", "ascii")
    assert open_index(KernelTree.open(Path(repository.path)), tmp_path / "cache", tips=[tip]) is None


def in_child(work: Callable[[], None]) -> int:
    """How a forked process ends that does `work`: its exit code, or the signal as a negative number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("moment", range(1, 8))
def test_a_killed_builder_leaves_less_and_nothing_false(repository, tmp_path, small_steps, moment):
    commits = line_of(repository, 11)

    def build() -> None:
        left = iter([True] * (moment - 1))

        def progress(_: str) -> None:
            if not next(left, False):
                os.kill(os.getpid(), signal.SIGKILL)

        open_index(KernelTree.open(Path(repository.path)), tmp_path / "cache", tips=commits[-1:], progress=progress)

    ended = in_child(build)
    assert ended == (-signal.SIGKILL if moment <= 6 else 0), "six batches are reported"
    index = opened(repository, tmp_path / "cache", commits[-1])
    assert [index.oid(number) for number in range(len(index))] == commits


def test_several_at_once_make_one(repository, tmp_path, small_steps):
    commits = line_of(repository, 11)

    def build() -> None:
        assert len(opened(repository, tmp_path / "cache", commits[-1])) == len(commits)

    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                build()
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert len(opened(repository, tmp_path / "cache", commits[-1])) == len(commits)


def kept_file(folder: Path) -> Path:
    (found,) = folder.glob("*.sqlite")
    return found


def damages(data: bytes) -> Iterator[bytes]:
    yield b""
    yield data[: len(data) // 2]
    yield b"no database at all\n" * 100
    for at in range(0, len(data), max(1, len(data) // 24)):
        yield data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "unsealed"])
def test_what_is_damaged_is_made_anew(repository, tmp_path, sealed):
    """Whatever is done to the file. Without its sum SQLite judges it, so only what breaks its pages is tried then."""
    commits = line_of(repository, 5)
    folder = tmp_path / "cache"
    opened(repository, folder, commits[-1])
    file = kept_file(folder)
    whole, total = file.read_bytes(), file.with_name(file.name + ".sum").read_bytes()
    for number, data in enumerate(damages(whole)):
        if not sealed and number > 2:
            break
        file.write_bytes(data)
        if sealed:
            file.with_name(file.name + ".sum").write_bytes(total)
        else:
            file.with_name(file.name + ".sum").unlink(missing_ok=True)
        index = opened(repository, folder, commits[-1])
        assert [index.oid(number) for number in range(len(index))] == commits
        file.write_bytes(whole)


def test_where_nothing_can_be_written_there_is_none(repository, tmp_path):
    tip = line_of(repository, 2)[-1]
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    tree = KernelTree.open(Path(repository.path))
    assert open_index(tree, tmp_path / "file" / "cache", tips=[tip], progress=said.append) is None
    assert "no index of the history can be kept" in said[-1]


def test_one_that_may_only_be_read_serves(repository, tmp_path):
    commits = line_of(repository, 3)
    folder = tmp_path / "cache"
    opened(repository, folder, commits[-1])
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    tree = KernelTree.open(Path(repository.path))

    def read() -> None:
        if os.getuid() == 0:
            os.setuid(65534)  # for root nothing is read-only
        index = open_index(tree, folder, tips=commits[-1:])
        assert index is not None
        assert len(index) == 3
        assert index.touching([RepoPath("file1.c")]) == {1: 1, 2: 1}

    ended = in_child(read)
    folder.chmod(0o755)
    assert ended == 0
