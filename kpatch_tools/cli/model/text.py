"""A run of the model as text, for terminals and pipes."""

from rich.console import Console

from kpatch_tools.model import ModelRun, Verdict


def print_run(out: Console, run: ModelRun, *, verbosity: int) -> None:
    """The verdict, and why; with a `verbosity` above 0 also what was built."""
    style = "green" if run.verdict is Verdict.OK else "yellow" if run.verdict is Verdict.UNDETERMINED else "red"
    out.print(f"  [{style}]{run.verdict.value:<12}[/] {run.layout.name}")
    for line in run.fault.lines() if run.fault is not None else (run.reason,) if run.reason else ():
        out.print(f"      {line}", markup=False)
    if verbosity > 0:
        out.print(f"      on {run.platform}, profile {run.profile}", style="dim", markup=False)
        for one in run.tables:
            out.print(f"      tables {one.start:#x}-{one.end:#x}, buffer to {one.top:#x}", style="dim")
        for start, end in run.rw_ranges:
            out.print(f"      made writable {start:#x}-{end:#x}", style="dim")
