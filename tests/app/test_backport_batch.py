"""Queues: every line has a result, and what is finished is kept."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.app.backport_accept import parse_accepted
from kpatch_tools.app.backport_batch import BatchRequest, run_batch
from kpatch_tools.app.backport_queue import parse_queue
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.report import BackportReport
from kpatch_tools.backport import Answer, HunkResult, Outcome, Part
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

ME = Signature("Me", "me@example.org", 1_300_000_000)
TEXT = "".join(f"int v{number};\n" for number in range(40))


class Queue:
    """A repository with a fix, versions it goes on to in different ways, and a queue over them."""

    def __init__(self, path: Path) -> None:
        repository = pygit2.init_repository(str(path / "k.git"), bare=True)
        self.tree = KernelTree.open(path / "k.git")
        self.out = path / "out.jsonl"

        def commit(base, text, name):
            changes = {"mm/a.c": text.encode()}
            oid = self.tree.write(base=base, changes=changes, message=b"m\n", author=ME, committer=ME)
            repository.create_reference(f"refs/tags/{name}", oid)
            return oid

        base = commit(self.tree.empty_tree(), TEXT, "base")
        commit(base, TEXT.replace("v20", "w20"), "fix")
        commit(base, "/* more */\n" + TEXT, "same")
        commit(base, TEXT.replace("v22", "near"), "near")
        commit(base, TEXT.replace("v20", "other"), "other")
        commit(base, TEXT.replace("v20", "w20").replace("v1;", "z;"), "there")

    def lines(self, *targets):
        rows = [{"id": name, "upstream": "fix", "target": name} for name in targets]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def run(self, queue, **wishes):
        request = BatchRequest(lines=parse_queue(queue), **{"out": self.out, **wishes})
        return run_batch(self.tree, request)

    def records(self):
        return {record["id"]: record for record in map(json.loads, self.out.read_text().splitlines())}


@pytest.fixture
def queue(tmp_path) -> Queue:
    return Queue(tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_line_has_its_result(queue, jobs):
    report = queue.run(queue.lines("same", "near", "other", "there", "nowhere"), jobs=jobs)
    records = queue.records()
    assert {name: record["status"] for name, record in records.items()} == {
        "same": "applied",
        "near": "applied",
        "other": "conflict",
        "there": "present",
        "nowhere": "error",
    }
    assert (
        queue.tree.at(records["same"]["tree"]).read("mm/a.c") == b"/* more */\n" + TEXT.replace("v20", "w20").encode()
    )
    assert (records["same"]["class"], records["other"]["class"]) == ("EXACT", "NEEDS-HUMAN")
    assert records["nowhere"]["code"] == "unknown-revision"
    assert all(record["tree"] is None for name, record in records.items() if name not in ("same", "near"))
    assert (report.exit, report.statuses["applied"], report.total) == (Exit.BAD_INPUT, 2, 5)


def test_what_is_not_of_an_accepted_class_is_offered_with_its_tree(queue):
    report = queue.run(queue.lines("same", "near"), accepted=parse_accepted("exact"))
    records = queue.records()
    assert (records["same"]["status"], records["near"]["status"]) == ("applied", "offered")
    assert b"w20" in (queue.tree.at(records["near"]["tree"]).read("mm/a.c") or b"")
    assert records["near"]["hunks"][0]["class"] == records["near"]["class"]
    assert report.exit is Exit.PERSON


def test_no_reference_is_made_and_objects_go_where_they_are_wanted(queue, tmp_path):
    def state():
        return sorted(path for path in queue.tree.path.rglob("*") if path.is_file())

    before = state()
    queue.run(queue.lines("same"), keep=False)
    assert state() == before
    named = queue.records()["same"]["tree"]
    queue.out.unlink()
    queue.run(queue.lines("same"), objects=tmp_path / "new" / "objects")
    assert (state(), queue.records()["same"]["tree"]) == (before, named)
    assert KernelTree.open(queue.tree.path, objects=tmp_path / "new" / "objects").has_object(named)
    queue.out.unlink()
    queue.run(queue.lines("same"))
    assert {path.relative_to(queue.tree.path).parts[0] for path in set(state()) - set(before)} == {"objects"}


def test_a_bad_line_is_an_error_and_the_others_are_done(queue):
    bad = b'nonsense\n\n[1]\n{"id": "x"}\n{"upstream": "fix", "target": "same"}\n' + b"[" * 100_000 + b"\n"
    report = queue.run(bad + queue.lines("same", "same"))
    records = [json.loads(line) for line in queue.out.read_text().splitlines()]
    assert [record["status"] for record in records] == ["error"] * 5 + ["applied", "error"]
    assert [record.get("line") for record in records] == [1, 3, None, 5, 6, None, 8]
    assert records[2]["reason"] == "line 4: it has no upstream and no target"
    assert report.exit is Exit.BAD_INPUT
    assert queue.run(bad + queue.lines("same", "same")).kept == 7


def test_a_later_run_goes_on_and_a_torn_line_is_done_again(queue):
    everything = queue.lines("same", "near", "other")
    queue.run(everything)
    whole = queue.out.read_bytes()
    rows = whole.splitlines(keepends=True)
    for torn in (b"", rows[1][:-1], rows[1][:40], rows[1][:1]):
        queue.out.write_bytes(rows[0] + torn)
        report = queue.run(everything)
        assert (report.kept, report.total) == (1, 3)
        assert queue.out.read_bytes().startswith(rows[0])
        assert queue.records().keys() == {"same", "near", "other"}
    for torn in (rows[0][:1], rows[0][:-1]):
        queue.out.write_bytes(torn)
        assert queue.run(everything).kept == 0
        assert len(queue.records()) == 3


def test_a_file_of_something_else_is_left_alone(queue):
    for text in (b"my notes", b'{"a": 1}\n', b"[]\n"):
        queue.out.write_bytes(text)
        with pytest.raises(KpatchError) as refusal:
            queue.run(queue.lines("same"))
        assert refusal.value.code == "out-unreadable"
        assert queue.out.read_bytes() == text


def test_results_of_another_queue_or_choice_are_not_mixed_in(queue):
    queue.run(queue.lines("same", "near"))
    before = queue.out.read_bytes()
    other = queue.lines("same").replace(b'"fix"', b'"near"')
    for wishes in ({"queue": other}, {"queue": queue.lines("same", "near"), "accepted": parse_accepted("exact")}):
        with pytest.raises(KpatchError) as refusal:
            queue.run(**wishes)
        assert refusal.value.code == "out-differs"
        assert queue.out.read_bytes() == before


def test_two_runs_do_not_share_a_file(queue):
    queue.out.touch()
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(queue.out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(KpatchError) as refusal:
            queue.run(queue.lines("same"))
        assert refusal.value.code == "out-in-use"
        other.communicate(b"\n")
    assert queue.run(queue.lines("same")).statuses["applied"] == 1


def test_who_dies_takes_nobody_along_and_is_done_again(queue, monkeypatch):
    from kpatch_tools.app import backport_batch

    carry = backport_batch.carry_quickly

    def deadly(tree, change, source, accepted):
        if source.oid == queue.tree.resolve("near").oid:
            os.kill(os.getpid(), signal.SIGKILL)
        return carry(tree, change, source, accepted)

    monkeypatch.setattr(backport_batch, "carry_quickly", deadly)
    everything = queue.lines("near", "same", "other", "there")
    report = queue.run(everything, jobs=2)
    records = queue.records()
    assert records["near"]["code"] == "worker-died"
    assert [records[name]["status"] for name in ("same", "other", "there")] == ["applied", "conflict", "present"]
    assert report.exit is Exit.UNDETERMINED
    monkeypatch.setattr(backport_batch, "carry_quickly", carry)
    assert (queue.run(everything, jobs=2).kept, queue.records()["near"]["status"]) == (3, "applied")


def test_an_interrupted_run_keeps_what_is_finished(queue, monkeypatch):
    from kpatch_tools.app import backport_batch

    carry = backport_batch.carry_quickly

    def interrupted(tree, change, source, accepted):
        if source.oid == queue.tree.resolve("other").oid:
            raise KeyboardInterrupt
        return carry(tree, change, source, accepted)

    monkeypatch.setattr(backport_batch, "carry_quickly", interrupted)
    with pytest.raises(KeyboardInterrupt):
        queue.run(queue.lines("same", "near", "other", "there"))
    assert queue.records().keys() == {"same", "near"}
    monkeypatch.setattr(backport_batch, "carry_quickly", carry)
    assert queue.run(queue.lines("same", "near", "other", "there")).kept == 2


def test_our_own_mistake_is_a_result_too(queue, monkeypatch):
    from kpatch_tools.app import backport_batch

    monkeypatch.setattr(backport_batch, "carry_quickly", lambda *_: 1 / 0)
    report = queue.run(queue.lines("same"))
    assert (queue.records()["same"]["code"], report.exit) == ("internal-error", Exit.UNDETERMINED)


def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(queue, monkeypatch):
    write = os.write

    def full(handle, data):
        if b'"near"' in bytes(data):
            write(handle, bytes(data)[:30])
            raise OSError(28, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(KpatchError) as refusal:
        queue.run(queue.lines("same", "near", "other"))
    assert refusal.value.code == "cannot-write"
    monkeypatch.setattr(os, "write", write)
    assert queue.run(queue.lines("same", "near", "other")).kept == 1
    assert len(queue.records()) == 3


def test_progress_says_how_long_it_will_take(queue):
    said: list[str] = []
    moments = iter(range(0, 1000, 10))
    request = BatchRequest(lines=parse_queue(queue.lines("same", "near", "other")), out=None)
    run_batch(queue.tree, request, progress=said.append, clock=lambda: next(moments))
    assert said[0].startswith("1 of 3, about 20 s left (1 applied")
    assert said[-1] == "3 of 3, about 0 s left (2 applied, 1 conflict)"


@pytest.mark.parametrize("spelled", ["", "best", "needs-human", "exact,,merged"])
def test_classes_that_cannot_be_accepted(spelled):
    with pytest.raises(KpatchError) as refusal:
        parse_accepted(spelled)
    assert refusal.value.code == "bad-class"
    assert "merged" in refusal.value.hint


def _dies_after(results):
    left = iter(range(results - 1, -1, -1))
    return lambda _: next(left) or os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_after_any_result_the_next_run_does_the_rest(queue, jobs):
    everything = queue.lines("same", "near", "other", "there")
    for finished in (1, 2, 3):
        queue.out.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            request = BatchRequest(lines=parse_queue(everything), out=queue.out, jobs=jobs)
            run_batch(queue.tree, request, sink=_dies_after(finished))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert (queue.run(everything).kept, len(queue.records())) == (finished, 4)
    done = subprocess.run(["git", "-C", str(queue.tree.path), "fsck", "--strict"], capture_output=True, check=False)
    assert done.returncode == 0


def test_a_read_only_repository_is_told_before_the_work(queue):
    objects = queue.tree.path / "objects"
    objects.chmod(0o555)
    try:
        with pytest.raises(KpatchError) as refusal:
            queue.run(queue.lines("same"))
        assert (refusal.value.code, queue.out.exists()) == ("read-only-repository", False)
        assert queue.run(queue.lines("same"), keep=False).statuses["applied"] == 1
    finally:
        objects.chmod(0o755)


def test_the_whole_job_has_its_word_where_it_is_asked_for(queue):
    hunk = HunkResult(RepoPath("mm/a.c"), 1, HunkClass.EXACT, "as upstream", 1)
    failing = Finding("x", Status.FAIL, "no")

    def whole(tree, upstream, target):
        outcome, checks = {
            "same": (Outcome.BACKPORTED, ()),
            "near": (Outcome.BACKPORTED, (failing,)),
            "other": (Outcome.NEEDS_PREREQUISITE, ()),
            "there": (Outcome.NOT_AFFECTED, ()),
        }[target]
        answer = Answer(outcome, "because", hunks=(hunk,), checks=checks, parts=(Part({"mm/a.c": b"x\n"}, b"m\n"),))
        return BackportReport("s", target, tree.resolve(target).oid, answer, "")

    queue.run(queue.lines("same", "near", "other", "there"), whole=whole, jobs=2)
    records = queue.records()
    assert {name: record["status"] for name, record in records.items()} == {
        "same": "applied",
        "near": "offered",
        "other": "conflict",
        "there": "present",
    }
    assert records["other"]["outcome"] == "needs-prerequisite"
    assert queue.tree.at(records["same"]["tree"]).read("mm/a.c") == b"x\n"
    with pytest.raises(KpatchError) as refusal:
        queue.run(queue.lines("same", "near", "other", "there"))
    assert refusal.value.code == "out-differs"
