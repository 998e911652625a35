"""Use case: the commit by which a verdict changed, by bisection over the history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.model_timeline import CommitRange, commit_range
from kpatch_tools.app.verdict_journal import Answer, VerdictJournal
from kpatch_tools.app.verdicts import Effort, Progress, Verdicts
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.model import Layout, Verdict
from kpatch_tools.tree import CommitData, KernelTree, Revision


class Term(StrEnum):
    """git bisect's terms that fit both a regression and a fix."""

    OLD = "old"
    NEW = "new"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Trial:
    """One commit that was judged, and what that means for the search."""

    commit: CommitData
    answer: Answer
    term: Term


@dataclass(frozen=True, slots=True)
class BisectReport:
    """`first` is the first commit with the new verdict, None where commits that had to be skipped hide it.

    `suspects` are then the commits of which one is it, oldest first. `before` are the verdicts of its parents.
    """

    old: Revision
    new: Revision
    layout: Layout
    old_answer: Answer
    new_answer: Answer
    first: CommitData | None
    answer: Answer | None
    before: tuple[Answer, ...]
    suspects: tuple[CommitData, ...]
    trials: tuple[Trial, ...]
    commits: int
    candidates: int
    effort: Effort

    @property
    def exit(self) -> Exit:
        return Exit.DONE if self.first is not None else Exit.UNDETERMINED

    @property
    def skipped(self) -> tuple[CommitData, ...]:
        return tuple(trial.commit for trial in self.trials if trial.term is Term.SKIP)


def bisect(
    tree: KernelTree,
    old: str,
    new: str,
    layout: Layout,
    *,
    first_parent: bool = False,
    journal: VerdictJournal | None = None,
    jobs: int | None = None,
    progress: Progress = lambda _: None,
) -> BisectReport:
    """Between `old` and its descendant `new`, the first commit whose verdict on `layout` is no longer that of `old`.

    Where `old` is OK, that is the first that is not; where `new` is, the first that is OK again; else the first like
    `new`. Commits that are undetermined (or neither, in the last case) are skipped. With `first_parent` only the
    commits on the line of first parents of `new` are looked at: it can be a merge then.

    KpatchError: see `commit_range`; not-an-ancestor; same-verdict; undetermined-end.
    """
    progress("walking the history")
    found = commit_range(tree, f"{old}..{new}", first_parent=first_parent)
    if not tree.is_ancestor(found.base.oid, found.tip.oid):
        raise KpatchError(
            "not-an-ancestor",
            f"{old} is no ancestor of {new}",
            hint=f"begin at their merge base: git merge-base {old} {new}",
        )
    verdicts = Verdicts(tree, (layout,), journal=journal, jobs=jobs, progress=progress)
    try:
        return _Search(tree, found, verdicts, progress).run()
    finally:
        verdicts.close()


class _Search:
    """git's way: the commit that halves what is left, until one is left.

    Only commits that change a file which the ends look at are tried at first: most others have a parent's verdict.
    What was taken for granted that way is verified in the end, by the verdicts of the parents of what was found; one
    that is new already is where the search begins again.
    """

    def __init__(self, tree: KernelTree, found: CommitRange, verdicts: Verdicts, progress: Progress) -> None:
        self._tree = tree
        self._range = found
        self._verdicts = verdicts
        self._progress = progress
        self._commits = found.commits
        self._number = {commit.oid: number for number, commit in enumerate(found.commits)}
        self._trials: dict[ObjectId, Trial] = {}
        self._old = self._answer(tree.commit(found.base.oid))
        self._new = self._answer(tree.commit(found.tip.oid))
        self._term = _terms(self._old, self._new, found)
        self._reached = self._reachable()
        self._near = self._changing()

    def run(self) -> BisectReport:
        reached = self._reached[-1]
        near = reached & self._near
        on_path = False
        while True:
            left = self._narrow(near) or self._narrow(reached)
            if left.bit_count() != 1:
                return self._report(None, left)
            first = self._commits[left.bit_length() - 1]
            if self._try(first).term is not Term.NEW:
                return self._report(None, left)
            parents = [self._tree.commit(oid) for oid in self._range.parents_of(first)]
            terms = [self._term(self._answer(parent)) for parent in parents]
            if Term.NEW not in terms or on_path:
                return self._report(first, left)
            newer = parents[terms.index(Term.NEW)]
            if newer.oid in self._number:
                reached = self._reached[self._number[newer.oid]]
                near = reached & self._near
            else:
                # A line of history that never was old: what changed did so on the way from the old end.
                on_path = True
                reached = near = self._path()

    def _narrow(self, left: int) -> int:
        """What remains of a set of commits whose youngest are new: one, or more that only skipped ones tell apart.

        0 where all of them turn out to be old: something that was left out made the difference.
        """
        untried = left
        while untried:
            number = self._middle(left, untried)
            below = self._reached[number]
            match self._try(self._commits[number], left.bit_count()).term:
                case Term.OLD:
                    left &= ~below
                case Term.NEW:
                    left &= below
            untried &= left & ~(1 << number)
        return left

    def _middle(self, left: int, untried: int) -> int:
        """The commit that divides best."""
        total = left.bit_count()

        def balance(number: int) -> int:
            weight = (self._reached[number] & left).bit_count()
            return min(weight, total - weight)

        return max(_bits(untried), key=balance)

    def _try(self, commit: CommitData, left: int = 1) -> Trial:
        known = self._trials.get(commit.oid)
        if known is None:
            self._progress(f"{left} commits left, trying {commit.oid[:12]} {commit.subject}")
            answer = self._answer(commit)
            known = self._trials[commit.oid] = Trial(commit, answer, self._term(answer))
        return known

    def _answer(self, commit: CommitData) -> Answer:
        return self._verdicts.answers((commit.tree,))[commit.tree][0]

    def _reachable(self) -> list[int]:
        """For each commit the set, as bits, of those of the range that it contains: itself and ancestors."""
        reached: list[int] = []
        for number, commit in enumerate(self._commits):
            below = 1 << number
            for parent in self._range.parents_of(commit):
                if parent in self._number:
                    below |= reached[self._number[parent]]
            reached.append(below)
        return reached

    def _path(self) -> int:
        """The commits that descend from the old end (git log's --ancestry-path)."""
        path = 0
        for number, commit in enumerate(self._commits):
            for parent in self._range.parents_of(commit):
                if parent == self._range.base.oid or path >> self._number.get(parent, number) & 1:
                    path |= 1 << number
        return path

    def _changing(self) -> int:
        """The commits that differ from each parent in a file that is looked at in one of the trees known so far."""
        selection = self._tree.selection(sorted(self._verdicts.paths))
        roots = {commit.oid: commit.tree for commit in self._commits}
        texts: dict[ObjectId, str] = {}
        changing = 0
        for number, commit in enumerate(self._commits):
            parents = self._range.parents_of(commit)
            for oid in (commit.oid, *parents):
                if oid not in texts:
                    texts[oid] = selection.of(roots.get(oid) or self._tree.commit(oid).tree)
            if texts[commit.oid] not in {texts[oid] for oid in parents}:
                changing |= 1 << number
        return changing

    def _report(self, first: CommitData | None, left: int) -> BisectReport:
        trials = tuple(self._trials.values())
        parents = self._range.parents_of(first) if first is not None else ()
        return BisectReport(
            old=self._range.base,
            new=self._range.tip,
            layout=self._verdicts.layouts[0],
            old_answer=self._old,
            new_answer=self._new,
            first=first,
            answer=self._trials[first.oid].answer if first is not None else None,
            before=tuple(self._answer(self._tree.commit(oid)) for oid in parents),
            suspects=() if first is not None else tuple(self._commits[number] for number in _bits(left)),
            trials=trials,
            commits=len(self._commits),
            candidates=self._near.bit_count(),
            effort=self._verdicts.effort,
        )


def _terms(old: Answer, new: Answer, found: CommitRange) -> Callable[[Answer], Term]:
    """What a verdict means for the search between these two."""
    for name, answer in ((found.base.spelled, old), (found.tip.spelled, new)):
        if answer.verdict is Verdict.UNDETERMINED:
            raise KpatchError(
                "undetermined-end",
                f"{name} has no verdict: {answer.message}",
                hint="begin and end at commits that have one; kpt model timeline shows them",
            )
    if old.is_like(new):
        raise KpatchError(
            "same-verdict",
            f"{found.base.spelled} and {found.tip.spelled} are both {old}",
            hint="name commits with different verdicts, or another --layout",
        )

    def term(answer: Answer) -> Term:
        if answer.verdict is Verdict.UNDETERMINED:
            return Term.SKIP
        if Verdict.OK in (old.verdict, new.verdict):
            return Term.OLD if (answer.verdict is Verdict.OK) == (old.verdict is Verdict.OK) else Term.NEW
        if answer.is_like(old):
            return Term.OLD
        return Term.NEW if answer.is_like(new) else Term.SKIP

    return term


def _bits(number: int) -> Iterator[int]:
    """The positions of the ones, lowest first.

    >>> list(_bits(0b1101))
    [0, 2, 3]
    """
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
