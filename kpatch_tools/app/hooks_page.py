"""Use case: the hook tables of some revisions as one page, or as a graph."""

import base64
import hashlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.hooks_diff import Side, read_side, tables_declared
from kpatch_tools.app.hooks_kept import KeptAnswers
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks.history.graph import format_dot
from kpatch_tools.hooks.history.matrix import Entry, SlotRow, TableMatrix, Versions, build_matrix, spell
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE
from kpatch_tools.render import render
from kpatch_tools.tree import KernelTree


@dataclass(frozen=True, slots=True)
class AtlasReport:
    """`sides` in the order asked for; `tables` are those that any of them has."""

    sides: tuple[Side, ...]
    scope: tuple[str, ...]
    tables: tuple[TableMatrix, ...]
    asked: tuple[str, ...]


def survey_versions(
    tree: KernelTree,
    revisions: Sequence[str],
    *,
    tables: tuple[str, ...] = (),
    scope: tuple[str, ...] = DEFAULT_SCOPE,
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> AtlasReport:
    """`tables` at each of `revisions`; none means all that headers of the scope declare in any of them (see
    `tables_declared`). With a `cache_dir` no table is read twice.

    KpatchError: no-such-table where no revision has one of `tables`; unknown-revision, not-a-kernel-tree.
    """
    resolved = [kernel_at(tree, revision) for revision in revisions]
    kept = KeptAnswers(cache_dir)
    wanted = tables
    if not wanted:
        progress("the headers")
        wanted = tables_declared([tree.at(revision) for revision in resolved], scope, kept)
    sides = tuple(read_side(tree, revision, wanted, scope, kept, progress) for revision in resolved)
    for table in tables:
        if not any(one.name == table for side in sides for one in side.tables):
            raise KpatchError(
                "no-such-table",
                f"none of {', '.join(revisions)} has a hook table {table} below {', '.join(scope)}",
                hint="name the variable, such as x86_init; --scope FOLDER looks elsewhere",
            )
    matrix = build_matrix([(side.revision.spelled, side.tables) for side in sides])
    return AtlasReport(sides, scope, matrix, tables)


def atlas_dot(report: AtlasReport) -> str:
    """The graph of one revision in the dot language; of several, the last one's."""
    side = report.sides[-1]
    return format_dot(side.tables, title=f"hook tables of {side.revision.spelled}")


def atlas_page(report: AtlasReport) -> bytes:
    """The page, in UTF-8; the same bytes for the same report. It loads nothing, and reads without its script."""
    names = [side.revision.spelled for side in report.sides]
    script = render("hooks/atlas.js.j2")
    return render(
        "hooks/atlas.html.j2",
        report=report,
        names=names,
        script=script,
        # The browser runs this script and no other, whatever a source may say.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        slots=sum(len(table.rows) for table in report.tables),
        spell=lambda versions: spell(versions, names),
        life=lambda versions: _life(versions, names),
        words=_words,
        text=_text,
        command=_command(report, names),
    ).encode("utf-8", "replace")


def _life(versions: Versions, names: Sequence[str]) -> str:
    """When something is there, unless it always is."""
    return "" if all(versions) else spell(versions, names)


def _words(table: TableMatrix, row: SlotRow) -> str:
    """What the search finds a slot by."""
    entries: list[Entry] = [*row.signatures, *row.defaults, *row.callers]
    for platform in row.platforms.values():
        entries += platform
    found = [f"{table.name}.{row.path}", *row.platforms]
    for entry in entries:
        found += [entry.text, *entry.places]
    return _text(" ".join(dict.fromkeys(found))).lower()


def _text(text: str) -> str:
    """Undecodable bytes of a source have no place in a page."""
    return text.encode("utf-8", "replace").decode()


def _command(report: AtlasReport, names: Sequence[str]) -> str:
    """What to type to get the page again."""
    words = ["kpt", "hooks", "--html", "atlas.html"]
    for name in names:
        words += ["--rev", name]
    for table in report.asked:
        words += ["--table", table]
    if report.scope != DEFAULT_SCOPE:
        for folder in report.scope:
            words += ["--scope", folder]
    return shlex.join(words)
