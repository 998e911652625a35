"""An explanation as one HTML page that needs neither network nor scripts."""

import shlex
from dataclasses import dataclass

from kpatch_tools.app.model_explain import ExplainReport, Side
from kpatch_tools.hooks import HOOKS
from kpatch_tools.model import Verdict
from kpatch_tools.model.explain import Fault
from kpatch_tools.model.history import Access, Moment, Use
from kpatch_tools.model.history.reading import read_fault
from kpatch_tools.model.history.strip import ACCESSES, USES, draw
from kpatch_tools.model.smaller import ram
from kpatch_tools.render import render


@dataclass(frozen=True, slots=True)
class _SideView:
    """What the page says of a side besides the strip."""

    title: str
    verdict: str
    good: bool
    undetermined: bool
    reason: str
    fault: Fault | None
    reading: tuple[str, ...]
    tables: tuple[str, ...]
    attempts: tuple[tuple[str, str, str, bool], ...]
    smallest: str


def explain_page(report: ExplainReport) -> bytes:
    """The page, in UTF-8; the same bytes for the same report."""
    picture = draw(report.layout, [side.history for side in report.sides])
    return render(
        "model/explain.html.j2",
        report=report,
        sides=[_side(report, side) for side in report.sides],
        picture=picture,
        uses=[(use.name.lower(), name) for use, name in USES.items()],
        accesses=[(access.name.lower().replace("_", "-"), name) for access, name in ACCESSES.items()],
        use_class=_use_class,
        access_class=_access_class,
        buffer_text=_buffer_text,
        mib=lambda size: f"{size / (1 << 20):.1f}".removesuffix(".0"),
        ram=ram,
        command=_command(report),
        profile=report.sides[-1].history.run.profile,
    ).encode()


def side_title(report: ExplainReport, side: Side) -> str:
    """A side in words: the revision, with or without the patch."""
    if report.patch is None:
        return report.revision.spelled
    return f"{report.revision.spelled} {side.label} {report.patch}"


def _side(report: ExplainReport, side: Side) -> _SideView:
    run, smallest = side.history.run, side.smallest
    attempts = smallest.attempts if smallest is not None else ()
    return _SideView(
        title=side_title(report, side),
        verdict=run.verdict.value,
        good=run.verdict is Verdict.OK,
        undetermined=run.verdict is Verdict.UNDETERMINED,
        reason=run.reason,
        fault=run.fault,
        reading=read_fault(run.fault) if run.fault is not None else (),
        tables=tuple(
            f"mapping {one.mapping_start:#x}-{one.mapping_end:#x}: tables {one.start:#x}-{one.end:#x}, "
            f"buffer to {one.top:#x}"
            for one in run.tables
        ),
        attempts=tuple(
            (
                one.layout.name,
                f"{ram(one.layout) >> 20} MiB",
                one.verdict.value + (f", {one.kind}" if one.kind else ""),
                one.same,
            )
            for one in attempts
        ),
        smallest=smallest.layout.name if smallest is not None else "",
    )


def _command(report: ExplainReport) -> str:
    """What to type to get the page again."""
    words = ["kpt", "model", "explain", "--rev", report.revision.spelled]
    if report.patch is not None:
        words += ["--hook" if report.patch in HOOKS else "--with", report.patch]
    return shlex.join([*words, "--layout", report.layout.name, "--html", "page.html"])


def _use_class(use: Use) -> str:
    return f"u-{use.name.lower()}"


def _access_class(access: Access) -> str:
    return f"a-{access.name.lower().replace('_', '-')}"


def _buffer_text(moment: Moment) -> str:
    if moment.buffer is None:
        return "the tree has no table buffer"
    if not moment.buffer.top:
        return "table buffer not chosen yet"
    return str(moment.buffer)
