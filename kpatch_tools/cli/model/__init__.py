"""`kpt model`: a revision's own page-table code, executed. A command of its own, and a group of others."""

from collections.abc import Mapping
from typing import Final

import click

from kpatch_tools.app.model import ModelReport, run_revision
from kpatch_tools.cli.lazy import LazyGroup, refuse_options_before
from kpatch_tools.cli.model.arguments import chosen_layouts, layouts_option, platform_options
from kpatch_tools.cli.model.fields import run_fields
from kpatch_tools.cli.model.text import print_run
from kpatch_tools.cli.model.truth import compare_with_truth, split_ids
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, kept_translations, verb
from kpatch_tools.model import Platform, Profile
from kpatch_tools.patch import parse_patch

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "rules": "Xen's rules as the model has them: their source, and what exercises each.",
    "sweep": "Boot a revision on every memory map up to a bound, on a scaled machine.",
    "timeline": "A verdict for every commit of a range that can change it, and where it flips.",
    "bisect": "The commit by which a verdict changed.",
    "compare": "What a patch, or a stretch of history, changes on the machine.",
    "explain": "One boot in full: what happens to memory, what is refused, who did it; also as pictures.",
    "mutants": "Break a hook's code one token at a time: which mistakes would the model notice?",
}


@click.group(
    "model",
    cls=LazyGroup,
    package=__package__,
    commands_by_name=SUBCOMMANDS,
    title="Commands",
    invoke_without_command=True,
)
@click.option("--rev", default="HEAD", show_default=True, help="Revision to execute.")
@click.option("--with", "patch", metavar="PATCH", help="A patch applied in memory first (- for standard input).")
@layouts_option
@platform_options
@click.option("--truth", metavar="FILE", help="Compare the model with the recorded real boots of FILE instead.")
@click.option(
    "--allow-undetermined",
    "allowed",
    multiple=True,
    metavar="ID,ID…",
    help="With --truth: records that may be undetermined.",
)
@verb
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    *,
    rev: str,
    patch: str | None,
    layouts: tuple[str, ...],
    platform: Platform,
    profile: Profile | None,
    truth: str | None,
    allowed: tuple[str, ...],
) -> int:
    """Execute REV's own C, from Xen's domain builder to the end of early boot, on a modelled x86-64 machine.

    A MAP is a size (512M), with holes and words (1200M,hole=1180M+18M · 5120M,noacpi), or a JSON file with an e820
    map. Verdicts: OK; CRASH (Xen refused, or a write faulted); RO-LEFT-OVER (a free page cannot be written);
    UNRESERVED (a live page table is free); LEAK (spare table pages stay reserved); UNDETERMINED (kpt cannot say, and
    why). Exit 0 when all are OK, 1 when one faults, 3 when one is undetermined.

    Other platforms are machines without Xen, with large pages (native, native-1g) or without (native-4k): there the
    processor's own tables are looked at, and a call through an empty slot is a CRASH that names the slot.

    With --truth FILE (a JSON list of recorded boots, each with its commit, changes, memory map and outcome): the model
    runs for each record. Exit 0 when all agree but those allowed, 1 when one disagrees, 3 when one is undetermined.

    \b
    Examples:
      kpt model --rev v2.6.39
      kpt model --rev v2.6.39-rc5 --layout 1200M,hole=1180M+18M
      kpt generate pagetable_reserve --for 92bdaef7b2c | kpt model --rev 92bdaef7b2c --with -
      kpt model --rev v2.6.39 --platform native --profile x86_64-xen-pv,+NUMA
      kpt model --truth boots.json --allow-undetermined e5f15b45ddf/plain/256M-mem/34
    """
    if ctx.invoked_subcommand is not None:
        refuse_options_before(ctx)
        return 0
    if truth is not None:
        _refuse_with_truth(ctx)
        return compare_with_truth(session, truth, split_ids(allowed))
    if allowed:
        raise click.UsageError("--allow-undetermined is said with --truth", ctx)
    parsed = parse_patch(read_bytes(patch)) if patch is not None else None
    with session.progress(f"executing {rev}") as step:
        report = run_revision(
            session.tree,
            rev,
            chosen_layouts(layouts),
            patch=parsed,
            progress=step,
            translations=kept_translations(),
            platform=platform,
            profile=profile,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _refuse_with_truth(ctx: click.Context) -> None:
    """A record names its own revision and map: an option that would be passed over is refused."""
    for name, option in (
        ("rev", "--rev"),
        ("patch", "--with"),
        ("layouts", "--layout"),
        ("platform", "--platform"),
        ("profile", "--profile"),
    ):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"a record of --truth names its own kernel and machine: leave out {option}", ctx)


def _fields(report: ModelReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "patched": report.patched,
        "runs": [run_fields(run) for run in report.runs],
    }


def _print(session: Session, report: ModelReport) -> None:
    patched = ", with the patch" if report.patched else ""
    session.out.print(f"{report.revision.spelled}{patched}", style="bold", markup=False)
    for on in dict.fromkeys(f"on {run.platform}, configured as {run.profile}" for run in report.runs):
        session.out.print(f"  {on}", style="dim", markup=False)
    for unknown in dict.fromkeys(one for run in report.runs for one in run.unknown_symbols):
        session.out.print(f"  not known to be set or unset: {unknown}", style="yellow", markup=False)
    for run in report.runs:
        print_run(session.out, run, verbosity=session.verbosity)
