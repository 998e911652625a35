"""Use case: a verdict for every commit of a range that can change it, and where it flips."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.app.verdict_journal import Answer, VerdictJournal
from kpatch_tools.app.verdicts import Effort, Progress, Verdicts
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.model import DEFAULT_LAYOUTS, Layout, Verdict, parse_layout
from kpatch_tools.tree import CommitData, KernelTree, Revision

TIMELINE_LAYOUTS: tuple[Layout, ...] = (parse_layout("64M"), *DEFAULT_LAYOUTS)
"""The simplest map, which the others' failures spare, and those."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A commit's verdict on `layout` is like that of none of its parents; `before` are theirs, in their order."""

    layout: Layout
    before: tuple[Answer, ...]
    after: Answer


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit whose tree is executed otherwise than any of its parents'. `answers` are in the layouts' order."""

    commit: CommitData
    unit: str
    answers: tuple[Answer, ...]
    flips: tuple[Flip, ...]

    @property
    def is_merge(self) -> bool:
        return len(self.commit.parents) > 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """`entries` oldest first; `commits` were looked at, and `units` distinct ones are executed by them and around."""

    base: Revision
    tip: Revision
    first_parent: bool
    layouts: tuple[Layout, ...]
    base_answers: tuple[Answer, ...]
    tip_answers: tuple[Answer, ...]
    entries: tuple[Entry, ...]
    commits: int
    units: int
    effort: Effort

    @property
    def flips(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.flips)

    @property
    def exit(self) -> Exit:
        """PERSON where any verdict is a fault, else UNDETERMINED where one is none."""
        answers = chain(self.base_answers, *(entry.answers for entry in self.entries))
        return exit_of_verdicts(answer.verdict for answer in answers)


def exit_of_verdicts(verdicts: Iterable[Verdict]) -> Exit:
    """DONE for OK throughout, PERSON where one faults, else UNDETERMINED."""
    found = set(verdicts)
    if found - {Verdict.OK, Verdict.UNDETERMINED, Verdict.NOT_RUN}:
        return Exit.PERSON
    return Exit.DONE if found <= {Verdict.OK} else Exit.UNDETERMINED


@dataclass(frozen=True, slots=True)
class CommitRange:
    """The commits of OLD..NEW, oldest first, with the parents that count: all, or only first ones."""

    base: Revision
    tip: Revision
    first_parent: bool
    commits: tuple[CommitData, ...]

    def parents_of(self, commit: CommitData) -> tuple[ObjectId, ...]:
        return commit.parents[:1] if self.first_parent else commit.parents


def commit_range(tree: KernelTree, spelled: str, *, first_parent: bool) -> CommitRange:
    """`OLD..NEW`; with `first_parent`, only what is on NEW's line of first parents.

    KpatchError: bad-range, empty-range, unknown-revision, not-a-kernel-tree, shallow-history.
    """
    low, dots, high = spelled.partition("..")
    if not dots or high.startswith("."):
        raise KpatchError("bad-range", f"{spelled!r} is no range", hint="OLD..NEW, e.g. v2.6.38..v2.6.39")
    base, tip = kernel_at(tree, low or "HEAD"), kernel_at(tree, high or "HEAD")
    commits = tuple(tree.walk(include=(tip.oid,), exclude=(base.oid,), reverse=True))
    if not commits:
        raise KpatchError("empty-range", f"{spelled} holds no commit", hint="name the older revision first: OLD..NEW")
    if first_parent:
        by_id = {commit.oid: commit for commit in commits}
        line: list[CommitData] = []
        current: CommitData | None = by_id[tip.oid]
        while current is not None:
            line.append(current)
            current = by_id.get(current.parents[0]) if current.parents else None
        commits = tuple(reversed(line))
    return CommitRange(base, tip, first_parent, commits)


def timeline(
    tree: KernelTree,
    spelled: str,
    layouts: tuple[Layout, ...] = TIMELINE_LAYOUTS,
    *,
    paths: tuple[str, ...] = (),
    first_parent: bool = False,
    journal: VerdictJournal | None = None,
    jobs: int | None = None,
    progress: Progress = lambda _: None,
) -> Timeline:
    """The verdicts of OLD..NEW on `layouts`: every commit on its own tree.

    With `paths` only commits that touch one of these files or folders are looked at, as git log's --full-history.
    A journal keeps what is settled, also of a run that is interrupted.

    KpatchError: see `commit_range`; bad-layout.
    """
    progress("walking the history")
    found = commit_range(tree, spelled, first_parent=first_parent)
    chosen = found.commits
    if paths:
        touching = {
            commit.oid for commit in tree.walk(include=(found.tip.oid,), exclude=(found.base.oid,), paths=paths)
        }
        chosen = tuple(commit for commit in chosen if commit.oid in touching)
    roots = {commit.oid: commit.tree for commit in found.commits}
    parents = {parent for commit in chosen for parent in found.parents_of(commit)}
    ends = (found.base.oid, found.tip.oid)
    wanted = {oid: roots.get(oid) or tree.commit(oid).tree for oid in (*parents, *ends, *(one.oid for one in chosen))}
    verdicts = Verdicts(tree, layouts, journal=journal, jobs=jobs, progress=progress)
    try:
        # In the history's order, so that a unit is held against what was booted shortly before it.
        order = [wanted[oid] for oid in dict.fromkeys((*ends[:1], *parents, *(one.oid for one in chosen), *ends[1:]))]
        units = verdicts.units(order)
        answers = verdicts.answers(order)
    finally:
        verdicts.close()
    entries = []
    for commit in chosen:
        unit = units[commit.tree]
        before = found.parents_of(commit)
        if before and unit in {units[wanted[parent]] for parent in before}:
            continue
        past = tuple(answers[wanted[parent]] for parent in before)
        entries.append(Entry(commit, unit, answers[commit.tree], _flips(layouts, past, answers[commit.tree])))
    return Timeline(
        base=found.base,
        tip=found.tip,
        first_parent=first_parent,
        layouts=layouts,
        base_answers=answers[wanted[found.base.oid]],
        tip_answers=answers[wanted[found.tip.oid]],
        entries=tuple(entries),
        commits=len(chosen),
        units=len(set(units.values())),
        effort=verdicts.effort,
    )


def _flips(
    layouts: tuple[Layout, ...], past: tuple[tuple[Answer, ...], ...], now: tuple[Answer, ...]
) -> tuple[Flip, ...]:
    """Layout by layout; a commit without parents flips nothing."""
    found = []
    for number, (layout, after) in enumerate(zip(layouts, now, strict=True)):
        before = tuple(answers[number] for answers in past)
        if before and not any(after.is_like(one) for one in before):
            found.append(Flip(layout, before, after))
    return tuple(found)
