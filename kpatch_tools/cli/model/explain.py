"""`kpt model explain`: one boot told in full, as text, JSON, and a page with pictures."""

import click
from rich.console import Console

from kpatch_tools.app.model_explain import ExplainReport, Side, explain
from kpatch_tools.cli.model.arguments import layout_of
from kpatch_tools.cli.model.fields import run_fields
from kpatch_tools.cli.model.text import print_run
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, kept_translations, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.model.boot.buffers import BufferValues
from kpatch_tools.model.cexec import CallFrame
from kpatch_tools.model.explain import EntryWrite, Fault, MappingInWords, TypeChange
from kpatch_tools.model.history import Moment, Run
from kpatch_tools.model.history.reading import read_fault
from kpatch_tools.model.smaller import Smallest, ram
from kpatch_tools.patch import parse_patch


@click.command("explain")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to execute.")
@click.option("--with", "patch", metavar="PATCH", help="Show it without and with this patch (- for standard input).")
@click.option("--hook", metavar="NAME", help="Show it without and with this bundled hook, e.g. pagetable_reserve.")
@click.option("--layout", "text", required=True, metavar="MAP", help="Memory map: 512M, 1200M,hole=1180M+18M, a file.")
@click.option("--html", metavar="FILE", help="Also write a page with pictures (- for standard output).")
@verb
def command(session: Session, *, rev: str, patch: str | None, hook: str | None, text: str, html: str | None) -> int:
    """Boot REV on one machine and tell what happens to its memory; if it fails, what was refused, and why.

    Of a failure: the request that Xen refused or the access that faulted, the frame, every mapping of it, who made
    each mapping and when, the C calls with file and line, the page-table buffer then, and the smallest machine that
    shows it. The page has strips of memory over time, without and with the patch side by side; it needs no network
    and no scripts.

    Exit 0 when the boot is OK (the one with the patch, where there is one), 1 when it fails, 3 when it is undetermined.

    \b
    Examples:
      kpt model explain --rev v2.6.39-rc5 --layout 1200M,hole=1180M+18M
      kpt model explain --rev 92bdaef7b2c --hook pagetable_reserve --layout 5120M --html story.html
      kpt model explain --rev v2.6.39 --layout 64M --json | jq '.sides[0].moments[].what'
    """
    if patch is not None and hook is not None:
        raise click.UsageError("name a patch or a hook, not both")
    if html == "-" and session.as_json:
        raise click.UsageError("--json and --html - both want standard output")
    layout = layout_of(text)
    named = None if patch is None else ("the patch" if patch == "-" else patch, parse_patch(read_bytes(patch)))
    with session.progress(f"explaining {rev}") as step:
        report = explain(
            session.tree, rev, layout, patch=named, hook=hook, translations=kept_translations(), progress=step
        )
    if html is not None:
        # Only here: a page needs the renderer, which a report does not.
        from kpatch_tools.app.explain_page import explain_page

        write_file(html, explain_page(report))
    if session.as_json:
        session.print_json(explain_fields(report))
    elif html != "-":
        _print(session.out, report, verbosity=session.verbosity)
        if html is not None:
            session.err.print(f"wrote {html}", markup=False)
    return report.exit


def explain_fields(report: ExplainReport) -> dict[str, object]:
    """The report as JSON: frame numbers and addresses are hexadecimal strings, page ranges half-open."""
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "layout": report.layout.name,
        "patch": report.patch,
        "sides": [_side(side) for side in report.sides],
    }


def _side(side: Side) -> dict[str, object]:
    run = side.history.run
    fault = run.fault
    return {
        "label": side.label,
        "run": run_fields(run),
        "fault": None if fault is None else _fault(fault),
        "smallest": None if side.smallest is None else _smallest(side.smallest),
        "moments": [_moment(moment) for moment in side.history.moments],
    }


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "kind": fault.kind,
        "operation": fault.operation,
        "frame": {
            "pfn": None if fault.pfn is None else f"{fault.pfn:#x}",
            "mfn": None if fault.mfn is None else f"{fault.mfn:#x}",
            "what": fault.frame,
        },
        "buffer": _buffer(fault.buffer),
        "types": [_type(change) for change in fault.types],
        "mappings": [_mapping(mapping) for mapping in fault.mappings],
        "chain": _chain(fault.chain),
        "reading": list(read_fault(fault)),
    }


def _type(change: TypeChange) -> dict[str, object]:
    """`level` 0: it stopped being a page table."""
    return {
        "level": change.level,
        "stage": change.stage,
        "buffer": _buffer(change.buffer),
        "chain": _chain(change.chain),
    }


def _mapping(mapping: MappingInWords) -> dict[str, object]:
    return {
        "table": None if mapping.table is None else f"{mapping.table:#x}",
        "slot": mapping.slot,
        "writable": mapping.writable,
        "va": None if mapping.va is None else f"{mapping.va:#x}",
        "writes": [_write(write) for write in mapping.writes],
    }


def _write(write: EntryWrite) -> dict[str, object]:
    return {
        "number": write.number,
        "entry": f"{write.value:#x}",
        "stage": write.stage,
        "buffer": _buffer(write.buffer),
        "chain": _chain(write.chain),
    }


def _chain(chain: tuple[CallFrame, ...]) -> list[dict[str, object]]:
    return [{"function": call.function, "file": call.file, "line": call.line} for call in chain]


def _buffer(buffer: BufferValues | None) -> dict[str, str] | None:
    """By the tree's own names; null where it has no such buffer."""
    if buffer is None:
        return None
    values = (buffer.start, buffer.end, buffer.top)
    return {name: f"{value:#x}" for name, value in zip(buffer.names, values, strict=True)}


def _smallest(smallest: Smallest) -> dict[str, object]:
    return {
        "layout": smallest.layout.name,
        "tried": [
            {
                "layout": one.layout.name,
                "ram": ram(one.layout),
                "verdict": one.verdict.value,
                "kind": one.kind,
                "same": one.same,
            }
            for one in smallest.attempts
        ],
    }


def _moment(moment: Moment) -> dict[str, object]:
    return {
        "stage": moment.stage,
        "kind": moment.kind,
        "what": moment.what,
        "buffer": _buffer(moment.buffer),
        "printed": list(moment.said),
        "pages": [_pages(run) for run in moment.pages],
    }


def _pages(run: Run) -> dict[str, str]:
    return {
        "first": f"{run.first:#x}",
        "past": f"{run.past:#x}",
        "use": run.use.name.lower(),
        "access": run.access.name.lower().replace("_", "-"),
    }


def _print(out: Console, report: ExplainReport, *, verbosity: int) -> None:
    for side in report.sides:
        name = report.revision.spelled + (f" {side.label} {report.patch}" if report.patch else "")
        out.print(name, style="bold", markup=False)
        print_run(out, side.history.run, verbosity=verbosity)
        fault = side.history.run.fault
        for line in read_fault(fault) if fault is not None else ():
            out.print(f"      → {line}", markup=False)
        if side.smallest is not None:
            _print_smallest(out, report, side.smallest)
        out.print("      moments:", style="dim")
        for number, moment in enumerate(side.history.moments, 1):
            out.print(f"      {number:>3} {moment.stage}: {moment.what}", style="dim", markup=False)


def _print_smallest(out: Console, report: ExplainReport, smallest: Smallest) -> None:
    if smallest.layout.name == report.layout.name:
        out.print("      smallest machine found that shows it: this one", markup=False)
    else:
        out.print(f"      smallest machine found that shows it: {smallest.layout.name}", markup=False)
    for one in smallest.attempts:
        outcome = one.verdict.value + (f", {one.kind}" if one.kind else "")
        out.print(f"        tried {one.layout.name}: {outcome}", style="dim", markup=False)
