"""Several changes, several versions, on the command line."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpatch_tools.app.backport_many import Cell, ManyReport, Subject, backport_matrix, backport_series
from kpatch_tools.app.backport_writing import Places
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.ranges import commits_of_range
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.cli.patches import is_patch_argument, read_patches
from kpatch_tools.cli.session import Session, kept_history, kept_translations
from kpatch_tools.cli.writing import write_file
from kpatch_tools.hooks.patches.spec import HOOKS

from .options import WORTH_AN_INDEX, Options, is_range
from .single import request_of
from .text import STYLES

_WIDEST = 60
_NARROWEST = 20


def run(session: Session, options: Options) -> int:
    """Do them all, print one table, and give the worst exit code."""
    subjects = _subjects(session, options.subject or HOOKS[0])
    request = request_of(options)
    output = options.output
    places = Places(Path(output) if output not in (None, "-") else None, output == "-", options.branch)
    with session.progress("backport") as step:
        model = modelling(step, translations=kept_translations())
        recall = kept_history(make=options.index or len(subjects) * len(options.targets) >= WORTH_AN_INDEX)
        if options.series:
            report = backport_series(
                request, subjects, options.targets, session.tree, places, model=model, progress=step, recall=recall
            )
        else:
            report = backport_matrix(
                request, subjects, options.targets, session.tree, model=model, progress=step, recall=recall
            )
    if session.as_json:
        mails = [patch.data.decode("utf-8", "backslashreplace") for patch in report.patches] if output == "-" else []
        session.print_json({**fields_of_many(report), "mails": mails})
        return report.exit
    if output == "-":
        write_file("-", b"".join(patch.data for patch in report.patches))
    print_many(session.err if output == "-" else session.out, report, verbosity=session.verbosity)
    return report.exit


def _subjects(session: Session, spelled: str) -> tuple[Subject, ...]:
    if is_patch_argument(spelled):
        return tuple((patch.subject or spelled, patch) for patch in read_patches(spelled))
    if is_range(spelled):
        commits = commits_of_range(session.tree, spelled)
        return tuple((commit.oid, commit.oid) for commit in commits if commit.parents)
    return ((spelled, spelled),)


def print_many(out: Console, report: ManyReport, *, verbosity: int) -> None:
    """A row a change, a column a version; below it why, where a person is needed; then what was written."""
    targets = tuple(dict.fromkeys(cell.target for cell in report.cells))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("change", *targets):
        answers = [_short(cell).cell_len for cell in report.cells if cell.target == name]
        # What does not fit is cut off the subjects, never off an answer.
        narrowest = _NARROWEST if name == "change" else max([len(name), *answers])
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=narrowest)
    rows = [[cell for cell in report.cells if cell.target == target] for target in targets]
    for cells in zip(*rows, strict=True):
        table.add_row(_title(cells[0]), *map(_short, cells))
    needed = _NARROWEST + sum(column.min_width or 0 for column in table.columns[1:]) + 2 * len(table.columns)
    out.print(table, width=max(out.width, needed))
    for cell in report.cells:
        if verbosity >= 0 and (cell.exit or verbosity > 0):
            why = cell.report.answer.reason if cell.report is not None else str(cell.error)
            out.print(Text(f"{cell.subject[:12]} to {cell.target}: {why}"))
    if report.branch:
        out.print(Text(f"written: branch {report.branch}, {len(report.commits)} commits", "green"))
    if report.files:
        out.print(Text(f"written: {len(report.files)} mails, {report.files[0]} …", "green"))


def _title(cell: Cell) -> Text:
    title = cell.report.subject if cell.report is not None else cell.subject
    return Text(title if len(title) <= _WIDEST else title[: _WIDEST - 1] + "…")


def _short(cell: Cell) -> Text:
    if cell.report is None:
        return Text(cell.error.code if cell.error is not None else "error", "bold red")
    outcome = cell.report.outcome
    worst = f" {cell.report.worst.label}" if cell.report.answer.hunks else ""
    return Text(outcome.value + worst, STYLES[outcome])


def fields_of_many(report: ManyReport) -> dict[str, object]:
    """The JSON form: a result a cell, each as that of one backport, or an error."""
    return {
        "series": report.series,
        "exit": int(report.exit),
        "results": [_fields(cell) for cell in report.cells],
        "branch": report.branch,
        "commits": list(report.commits),
        "files": list(report.files),
    }


def _fields(cell: Cell) -> dict[str, object]:
    if cell.report is not None:
        return {**fields_of_backport(cell.report), "error": None}
    assert cell.error is not None, "a cell has a report or an error"
    error = {"code": cell.error.code, "message": cell.error.message, "hint": cell.error.hint}
    return {"subject": cell.subject, "target": cell.target, "error": error}
