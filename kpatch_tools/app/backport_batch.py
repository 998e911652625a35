"""Use case: a queue of backports, divided among processes; what is finished is kept whatever happens."""

import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpatch_tools.app.backport_accept import DEFAULT, Accepted
from kpatch_tools.app.backport_queue import QueueLine
from kpatch_tools.app.backport_quick import QuickAnswer, answer_of_report, carry_quickly
from kpatch_tools.app.backport_results import TRANSIENT, Record, results_file
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.report import BackportReport
from kpatch_tools.backport import Change, HunkResult, read_change
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.tree import KernelTree, TreeAt
from kpatch_tools.workers import divide

STATUSES = ("applied", "offered", "conflict", "present", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """What to do with a queue.

    Objects of the results go into the repository; into the folder `objects`, if one is named; or nowhere, if `keep` is
    False. `out` is the file of results, None where only `sink` gets them. `whole` does the whole job of an upstream
    commit and a target; without it only the text of both versions is read.
    """

    lines: tuple[QueueLine, ...]
    out: Path | None
    accepted: Accepted = DEFAULT
    jobs: int = 1
    keep: bool = True
    objects: Path | None = None
    whole: Callable[[KernelTree, str, str], BackportReport] | None = None


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What the whole queue came to, with what an earlier run did of it (`kept` results)."""

    statuses: Mapping[str, int]
    classes: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    seconds: float = 0.0
    exit: Exit = Exit.DONE

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


def run_batch(
    tree: KernelTree,
    request: BatchRequest,
    *,
    sink: Callable[[Record], None] = lambda _: None,
    progress: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> BatchReport:
    """Do every line of the queue that has no result yet; each result is written, and given to `sink`, when it is known.

    A line that cannot be done is a result, too. KeyboardInterrupt passes through with all finished results written.

    Raises KpatchError "read-only-repository" before anything is done; as `results_file` does; and "out-differs" where
    the file's results are of another queue, or another choice of classes.
    """
    if request.objects is not None:
        _make_folder(request.objects)
    elif request.keep:
        tree.require_writable()
    started = clock()
    with _results(request.out) as (before, add):
        done = _finished(request, before)
        todo = [line for line in request.lines if _key(line.number, line.id) not in done]
        records = dict(done)
        gauge = _Gauge(len(todo), progress, clock)
        for line, record in _work(tree, request, todo):
            add(record)
            sink(record)
            records[_key(line.number, line.id)] = record
            gauge.step(record["status"])
    return _report(list(records.values()), kept=len(done), seconds=clock() - started)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name another folder with --objects"
        raise KpatchError("cannot-write", f"cannot make {folder}: {error.strerror}", hint=hint) from error


@contextmanager
def _results(path: Path | None) -> Iterator[tuple[list[Record], Callable[[Record], None]]]:
    if path is None:
        yield [], lambda _: None
        return
    with results_file(path) as opened:
        yield opened


_Key = tuple[str, Any]


def _key(number: int, name: str | int | None) -> _Key:
    return ("line", number) if name is None else ("id", name)


def _finished(request: BatchRequest, before: Iterable[Record]) -> dict[_Key, Record]:
    """What an earlier run has done of this very queue."""
    lines = {_key(line.number, line.id): line for line in request.lines}
    done: dict[_Key, Record] = {}
    for record in before:
        key = _key(record.get("line", 0), record["id"])
        line = lines.get(key)
        if line is None:
            continue
        if record.get("code") in TRANSIENT:
            done.pop(key, None)
            continue
        asked = (line.upstream, line.target) if line.error is None else (None, None)
        if (record.get("upstream"), record.get("target")) != asked:
            raise _differs(request, f"{record['id']!r} was another job")
        kinds = {HunkClass[name.replace("-", "_")] for name in record.get("classes") or ()}
        status = "applied" if request.accepted.takes(kinds) else "offered"
        if record["status"] in ("applied", "offered") and record["status"] != status:
            raise _differs(request, f"{record['id']!r} is {record['status']!r} by another choice of classes")
        if record["status"] != "error" and ("outcome" in record) is not (request.whole is not None):
            raise _differs(
                request, f"{record['id']!r} is of the {'whole job' if 'outcome' in record else 'text alone'}"
            )
        done[key] = record
    return done


def _differs(request: BatchRequest, why: str) -> KpatchError:
    hint = "it is left as it is: name another file with --out, or ask for what it holds"
    return KpatchError("out-differs", f"{request.out} holds other results: {why}", hint=hint)


def _work(tree: KernelTree, request: BatchRequest, todo: Sequence[QueueLine]) -> Iterator[tuple[QueueLine, Record]]:
    """Each line with its record, in order of completion. Whoever dies takes nobody else's line along."""
    worker = _Worker(tree, request)
    remaining = dict(enumerate(todo))
    while remaining:
        order = list(remaining)
        answered = False
        with closing(divide(worker, [remaining[index] for index in order], jobs=request.jobs)) as answers:
            for index, answer in answers:
                line = remaining.pop(order[index])
                answered = True
                yield line, _failed(line, answer) if isinstance(answer, Exception) else answer
        if not answered:
            for line in remaining.values():
                yield line, _failed(line, ChildProcessError("no process lived to do it"))
            return


def _failed(line: QueueLine, error: Exception) -> Record:
    if isinstance(error, ChildProcessError):
        return _error(line, "worker-died", f"{error}; a later run with the same --out does it again")
    return _error(line, "internal-error", f"this is a bug in kpt: {''.join(traceback.format_exception_only(error))}")


class _Worker:
    """Does a line; in each process with a repository opened there, since a handle of libgit2 must not be shared."""

    def __init__(self, tree: KernelTree, request: BatchRequest) -> None:
        self._origin = tree
        self._request = request
        self._opened: tuple[int, KernelTree] | None = None

    def __call__(self, line: QueueLine) -> Record:
        started = time.perf_counter()
        record = self._record(line)
        return {**record, "secs": round(time.perf_counter() - started, 4)}

    def _record(self, line: QueueLine) -> Record:
        if line.error is not None:
            return _error(line, "bad-line", f"line {line.number}: {line.error}")
        tree = self._tree()
        try:
            commit = tree.commit(tree.commit_id(line.upstream))
            change = read_change(tree, commit)
            if not change.files:
                return _error(line, "empty-change", f"{line.upstream} changes no file")
            source = tree.at(tree.commit_id(line.target))
            answer, outcome = self._answer(tree, line, change, source)
            made = None
            if answer.status in ("applied", "offered"):
                made = tree.write_tree(
                    base=source.oid, changes=answer.changes, modes=answer.modes, keep=self._request.keep
                )
        except KpatchError as error:
            return _error(line, error.code, error.message)
        return {**_fields(line), "status": answer.status, "tree": made, **_told(answer), **outcome}

    def _answer(
        self, tree: KernelTree, line: QueueLine, change: Change, source: TreeAt
    ) -> tuple[QuickAnswer, dict[str, object]]:
        """With the outcome of the whole job, where that was asked for."""
        accepted = self._request.accepted
        if self._request.whole is None:
            return carry_quickly(tree, change, source, accepted), {}
        report = self._request.whole(tree, line.upstream, line.target)
        return answer_of_report(report, accepted), {"outcome": report.outcome.value}

    def _tree(self) -> KernelTree:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self._origin.reopened(objects=self._request.objects)
        return self._opened[1]


def _fields(line: QueueLine) -> dict[str, object]:
    if line.id is None:
        return {"id": None, "line": line.number}
    return {"id": line.id, "upstream": line.upstream or None, "target": line.target or None}


def _told(answer: QuickAnswer) -> dict[str, object]:
    """The class, what it rests on, and every hunk that did not simply go on."""
    counts = Counter(hunk.kind for hunk in answer.hunks)
    return {
        "class": None if answer.worst is None else answer.worst.label,
        "reason": answer.reason,
        "classes": {kind.label: count for kind, count in sorted(counts.items())},
        "hunks": [hunk_fields(hunk) for hunk in answer.hunks if hunk.kind is not HunkClass.EXACT],
    }


def hunk_fields(hunk: HunkResult) -> dict[str, object]:
    """One hunk in the JSON form."""
    return {
        "file": hunk.file,
        "hunk": hunk.number,
        "class": hunk.kind.label,
        "line": hunk.line,
        "why": hunk.why,
    }


def _error(line: QueueLine, code: str, reason: str) -> Record:
    return {
        **_fields(line),
        "status": "error",
        "tree": None,
        "class": None,
        "reason": reason,
        "code": code,
        "secs": 0.0,
    }


@dataclass(slots=True)
class _Gauge:
    """Says how far a queue is: with the first result, then about each hundredth of the way."""

    total: int
    say: Callable[[str], None]
    clock: Callable[[], float]
    counts: Counter[str] = field(default_factory=Counter)
    started: float = field(init=False)
    said: int = field(default=0)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def step(self, status: str) -> None:
        self.counts[status] += 1
        done = self.counts.total()
        if done != self.total and done > 1 and done - self.said < max(1, self.total // 100):
            return
        self.said = done
        left = (self.clock() - self.started) / done * (self.total - done)
        tally = ", ".join(f"{self.counts[name]} {name}" for name in STATUSES if self.counts[name])
        self.say(f"{done} of {self.total}, about {format_seconds(left)} left ({tally})")


def format_seconds(seconds: float) -> str:
    """
    >>> format_seconds(7.2), format_seconds(100), format_seconds(4000)
    ('7 s', '1 min 40 s', '1 h 6 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _report(records: Sequence[Record], *, kept: int, seconds: float) -> BatchReport:
    statuses = Counter(record["status"] for record in records)
    classes = Counter(record["class"] for record in records if record["class"] is not None)
    return BatchReport(
        {name: statuses[name] for name in STATUSES},
        {kind.label: classes[kind.label] for kind in HunkClass if classes[kind.label]},
        kept,
        seconds,
        max((_exit(record) for record in records), default=Exit.DONE),
    )


def _exit(record: Record) -> Exit:
    match record["status"]:
        case "applied" | "present":
            return Exit.DONE
        case "offered" | "conflict":
            return Exit.PERSON
        case _:
            return Exit.UNDETERMINED if record.get("code") in TRANSIENT else Exit.BAD_INPUT
