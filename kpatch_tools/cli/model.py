"""`kpt model`: a revision's own page-table code, executed."""

from pathlib import Path

import click

from kpatch_tools.app.model import ModelReport, run_revision
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import DEFAULT_LAYOUTS, Fault, Layout, ModelRun, Verdict, layout_from_json, parse_layout
from kpatch_tools.patch import parse_patch


@click.command("model")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to execute.")
@click.option("--with", "patch", metavar="PATCH", help="A patch applied in memory first (- for standard input).")
@click.option(
    "--layout", "layouts", multiple=True, metavar="MAP", help="Memory map; may be repeated.  [default: a set]"
)
@verb
def command(session: Session, *, rev: str, patch: str | None, layouts: tuple[str, ...]) -> int:
    """Execute REV's own C, from Xen's domain builder to the end of early boot, on a modelled x86-64 machine.

    A MAP is a size (512M), with holes and words (1200M,hole=1180M+18M · 5120M,noacpi), or a JSON file with an e820
    map. Verdicts: OK; CRASH (Xen refused, or a write faulted); RO-LEFT-OVER (a free page cannot be written);
    UNRESERVED (a live page table is free); LEAK (spare table pages stay reserved); UNDETERMINED (kpt cannot say, and
    why). Exit 0 when all are OK, 1 when one faults, 3 when one is undetermined.

    \b
    Examples:
      kpt model --rev v2.6.39
      kpt model --rev v2.6.39-rc5 --layout 1200M,hole=1180M+18M
      kpt generate pagetable_reserve --for 92bdaef7b2c | kpt model --rev 92bdaef7b2c --with -
    """
    chosen = tuple(_layout(text) for text in layouts) or DEFAULT_LAYOUTS
    parsed = parse_patch(read_bytes(patch)) if patch is not None else None
    with session.progress(f"executing {rev}") as step:
        report = run_revision(session.tree, rev, chosen, patch=parsed, progress=step)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _layout(text: str) -> Layout:
    if not text.endswith(".json"):
        return parse_layout(text)
    try:
        return layout_from_json(Path(text).read_bytes(), name=text)
    except OSError as error:
        raise KpatchError("bad-layout", f"cannot read {text}: {error.strerror}", hint="name a readable file") from error


def _fields(report: ModelReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "patched": report.patched,
        "runs": [_run(run) for run in report.runs],
    }


def _run(run: ModelRun) -> dict[str, object]:
    fault = run.fault
    return {
        "layout": run.layout.name,
        "verdict": run.verdict.value,
        "reason": run.reason,
        "fault": None if fault is None else _fault(fault),
        "tables": [
            {
                "start": f"{one.start:#x}",
                "end": f"{one.end:#x}",
                "top": f"{one.top:#x}",
                "mapping": [f"{one.mapping_start:#x}", f"{one.mapping_end:#x}"],
            }
            for one in run.tables
        ],
        "rw_ranges": [{"start": f"{start:#x}", "end": f"{end:#x}"} for start, end in run.rw_ranges],
        "free_read_only": [f"{pfn:#x}" for pfn in run.free_read_only],
        "profile": run.profile,
    }


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "kind": fault.kind,
        "message": fault.message,
        "stage": fault.stage,
        "refusals": list(fault.refusals),
        "pfn": None if fault.pfn is None else f"{fault.pfn:#x}",
        "va": None if fault.va is None else f"{fault.va:#x}",
        "frame": fault.frame,
        "mappings": [str(mapping) for mapping in fault.mappings],
        "chain": [{"function": call.function, "file": call.file, "line": call.line} for call in fault.chain],
    }


def _print(session: Session, report: ModelReport) -> None:
    out = session.out
    patched = ", with the patch" if report.patched else ""
    out.print(f"{report.revision.spelled}{patched}", style="bold", markup=False)
    for run in report.runs:
        style = "green" if run.verdict is Verdict.OK else "yellow" if run.verdict is Verdict.UNDETERMINED else "red"
        out.print(f"  [{style}]{run.verdict.value:<12}[/] {run.layout.name}")
        for line in run.fault.lines() if run.fault is not None else (run.reason,) if run.reason else ():
            out.print(f"      {line}", markup=False)
        if session.verbosity > 0:
            out.print(f"      profile {run.profile}", style="dim", markup=False)
            for one in run.tables:
                out.print(f"      tables {one.start:#x}-{one.end:#x}, buffer to {one.top:#x}", style="dim")
            for start, end in run.rw_ranges:
                out.print(f"      made writable {start:#x}-{end:#x}", style="dim")
