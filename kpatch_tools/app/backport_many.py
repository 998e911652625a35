"""Use case: several changes, several versions: each by itself, or one after the other on the same version."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kpatch_tools.app.backport import BackportRequest, author_of, backport, worded
from kpatch_tools.app.backport_writing import Places, commit_parts, write_parts
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.recall import WALK, Recall
from kpatch_tools.app.report import BackportReport, PatchFile
from kpatch_tools.backport import Modelling, Outcome, Part
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import Patch
from kpatch_tools.tree import KernelTree, Signature

Subject = tuple[str, str | Patch]
"""How a change is named to people, and what it is: a hook's name, a revision, or a patch."""

NEEDLESS = (Outcome.ALREADY_PRESENT, Outcome.NOT_AFFECTED, Outcome.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one change on one version: a report, or why there is none."""

    subject: str
    target: str
    report: BackportReport | None
    error: KpatchError | None = None

    @property
    def exit(self) -> Exit:
        return Exit.BAD_INPUT if self.report is None else self.report.exit


@dataclass(frozen=True, slots=True)
class ManyReport:
    """All cells, version by version, and what was written of a series because it was asked for."""

    cells: tuple[Cell, ...]
    series: bool
    patches: tuple[PatchFile, ...] = ()
    files: tuple[str, ...] = ()
    branch: str | None = None
    commits: tuple[ObjectId, ...] = ()

    @property
    def exit(self) -> Exit:
        """The worst."""
        return max((cell.exit for cell in self.cells), default=Exit.DONE)


def backport_matrix(
    request: BackportRequest,
    subjects: Sequence[Subject],
    targets: Sequence[str],
    tree: KernelTree,
    *,
    model: Modelling,
    progress: Callable[[str], None] = lambda _: None,
    recall: Recall = WALK,
) -> ManyReport:
    """Each change to each version, by itself. Nothing is written."""
    cells = []
    for target in targets:
        for number, subject in enumerate(subjects, start=1):
            _say(progress, number, subjects, target)
            cells.append(_cell(request, subject, target, target, tree, model, progress, recall))
    return ManyReport(tuple(cells), series=False)


def backport_series(
    request: BackportRequest,
    subjects: Sequence[Subject],
    targets: Sequence[str],
    tree: KernelTree,
    places: Places,
    *,
    model: Modelling,
    progress: Callable[[str], None] = lambda _: None,
    recall: Recall = WALK,
) -> ManyReport:
    """The changes in order, each onto what those before it came to; what does not go on is passed over, and said.

    Files and the branch are written only of a series of which every change is done or needs nothing.

    Raises KpatchError as `backport` and `write_parts` do; what one change raises is in its cell.
    """
    cells: list[Cell] = []
    report = ManyReport((), series=True)
    for target in targets:
        with _aside(tree) as scratch:
            row, parts, base = _one_series(request, subjects, target, scratch, model, progress, recall)
        cells += row
        wanted = places.out is not None or places.mails or places.branch is not None
        if wanted and not request.dry_run and parts and all(map(_is_settled, row)):
            committer = _committer(request, tree)
            written = write_parts(tree, base, parts, committer, places, request.wording)
            report = replace(
                report,
                patches=written.patches,
                files=written.files,
                branch=places.branch,
                commits=written.commits,
            )
    return replace(report, cells=tuple(cells))


@contextmanager
def _aside(tree: KernelTree) -> Iterator[KernelTree]:
    """The repository with a place for the commits in between that nobody else sees, and that goes away."""
    with tempfile.TemporaryDirectory(prefix="kpt-") as folder:
        yield tree.reopened(objects=Path(folder))


def _committer(request: BackportRequest, tree: KernelTree) -> Signature:
    return replace(request.identity or tree.identity(), when=request.when, offset=request.offset)


def _one_series(
    request: BackportRequest,
    subjects: Sequence[Subject],
    target: str,
    tree: KernelTree,
    model: Modelling,
    progress: Callable[[str], None],
    recall: Recall,
) -> tuple[list[Cell], list[tuple[Part, Signature]], ObjectId]:
    start = base = tree.resolve(target).oid
    cells: list[Cell] = []
    parts: list[tuple[Part, Signature]] = []
    needs_identity = request.wording.signoff or request.wording.note
    for number, subject in enumerate(subjects, start=1):
        _say(progress, number, subjects, target)
        cell = _cell(request, subject, base, target, tree, model, progress, recall)
        if cell.report is not None and _goes_on(cell.report, force=request.force):
            identity = _identity(request, tree, required=needs_identity)
            told = worded(cell.report, request.wording, identity)
            author = author_of(replace(request, subject=subject[1]), tree) or identity
            own = [(part, author) for part in told.answer.parts]
            base = commit_parts(tree, base, own, identity, branch=None)[-1]
            parts += own
        cells.append(cell)
    return cells, parts, start


def _identity(request: BackportRequest, tree: KernelTree, *, required: bool) -> Signature:
    """Who commits; a stand-in where nobody is known and nothing will say the name."""
    try:
        return _committer(request, tree)
    except KpatchError:
        if required and request.wording.signoff:
            raise
        return Signature("nobody", "nobody@localhost", request.when, request.offset)


def _goes_on(report: BackportReport, *, force: bool) -> bool:
    answer = report.answer
    return bool(answer.parts) and answer.clean and (answer.outcome is Outcome.BACKPORTED or force)


def _is_settled(cell: Cell) -> bool:
    return cell.report is not None and cell.report.outcome in (Outcome.BACKPORTED, *NEEDLESS)


def _cell(
    request: BackportRequest,
    subject: Subject,
    target: str,
    spelled: str,
    tree: KernelTree,
    model: Modelling,
    progress: Callable[[str], None],
    recall: Recall,
) -> Cell:
    name, what = subject
    own = replace(request, subject=what, spelled=name, target=target, out=None, mails=False, branch=None)
    try:
        report = backport(own, tree, model=model, progress=progress, recall=recall)
    except KpatchError as error:
        return Cell(name, spelled, None, error)
    return Cell(name, spelled, replace(report, target=spelled))


def _say(progress: Callable[[str], None], number: int, subjects: Sequence[Subject], target: str) -> None:
    progress(f"{subjects[number - 1][0][:12]} to {target} ({number} of {len(subjects)})")
