"""`kpt model rules`: what Xen's modelled rules are, where they come from, and what exercises them."""

from pathlib import Path

import click
from rich.markup import escape

from kpatch_tools.app.model_rules import RulesReport, rules_of_model
from kpatch_tools.cli.model.arguments import chosen_layouts, layouts_option
from kpatch_tools.cli.session import Session, kept_translations, verb
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.truth import RealBoot, parse_boots
from kpatch_tools.model.xen.cases import CaseResult

_SHOWN = 3
"""Ids of cases or boots that are printed without -v."""


@click.command("rules")
@click.option("--rev", help="Boot this revision, too: which rules does it meet?")
@layouts_option
@click.option("--truth", metavar="FILE", help="Boot the kernels of the recorded real boots of FILE, too.")
@verb
def command(session: Session, *, rev: str | None, layouts: tuple[str, ...], truth: str | None) -> int:
    """Print Xen's rules about page tables as the model has them, and which cases and boots exercise each.

    A rule is one function of the model that cites the function of Xen it follows. A case is a small guest that asks
    something of these rules and knows Xen's answer. With --rev and --truth kernels are booted, on the layouts named or
    on the recorded machines, and the rules that each boot applies are counted; nothing is compared.

    Exit 0 when every case is answered as Xen answers and every rule has a case, 1 when not, 3 when a boot is
    undetermined; 2 on bad input.

    \b
    Examples:
      kpt model rules
      kpt model rules --rev v2.6.39 --layout 512M -v
      kpt model rules --truth boots.json --json
    """
    if layouts and rev is None:
        raise click.UsageError("--layout says what --rev is booted on: name a revision")
    records = _records(truth) if truth is not None else ()
    with session.progress("Xen's rules") as step:
        report = rules_of_model(
            lambda: session.tree,
            revision=rev,
            layouts=chosen_layouts(layouts) if rev is not None else (),
            records=records,
            translations=kept_translations(),
            progress=step,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _records(file: str) -> tuple[RealBoot, ...]:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise KpatchError("bad-record", f"cannot read {file}: {error.strerror}", hint="name a readable file") from error
    return tuple(parse_boots(data, name=file))


def _fields(report: RulesReport) -> dict[str, object]:
    return {
        "rules": [
            {
                "id": use.rule.id.value,
                "function": f"{use.rule.function.__module__}.{use.rule.function.__qualname__}",
                "source": use.rule.source,
                "statement": use.rule.statement,
                "cases": list(use.cases),
                "boots": list(use.boots),
            }
            for use in report.uses
        ],
        "without_case": [rule.value for rule in report.without_case],
        "cases": [_case(result) for result in report.cases],
        "boots": [
            {
                "id": one.id,
                "verdict": one.verdict.value,
                "reason": one.reason,
                "rules": sorted(rule.value for rule in one.rules),
            }
            for one in report.boots
        ],
    }


def _case(result: CaseResult) -> dict[str, object]:
    case = result.case
    return {
        "id": case.id,
        "promise": case.promise,
        "advisory": case.advisory or None,
        "ok": not result.wrong,
        "answers": len(result.answers),
        "wrong": [{"what": one.what, "expected": one.expected, "given": one.given} for one in result.wrong],
        "rules": sorted(rule.value for rule in result.rules),
    }


def _print(session: Session, report: RulesReport) -> None:
    out, every = session.out, session.verbosity > 0
    for use in report.uses:
        out.print(f"[bold]{escape(use.rule.id.value)}[/]  {escape(use.rule.statement)}")
        out.print(f"    {use.rule.source}", style="dim", markup=False)
        out.print(f"    {len(use.cases)} cases: {_some(use.cases, every=every)}", markup=False)
        if report.boots:
            boots = _some(use.boots, every=every)
            out.print(f"    {len(use.boots)} of {len(report.boots)} boots: {boots}", markup=False)
    if every:
        for result in report.cases:
            advisory = f" ({result.case.advisory})" if result.case.advisory else ""
            out.print(f"{result.case.id}{advisory}: {result.case.promise}", style="dim", markup=False)
    for result in report.cases:
        for answer in result.wrong:
            out.print(
                f"[red]wrong[/] {escape(result.case.id)}: {escape(answer.what)}: "
                f"{escape(answer.given)}, not {escape(answer.expected)}"
            )
    for rule in report.without_case:
        out.print(f"[red]no case exercises[/] {rule.value}")
    for one in report.boots:
        if one.reason:
            out.print(f"[yellow]undetermined[/] {escape(one.id)}: {escape(one.reason)}")
    right = sum(not result.wrong for result in report.cases)
    total = f"{len(report.uses)} rules; {right} of {len(report.cases)} cases answered as Xen answers"
    met = sum(bool(use.boots) for use in report.uses)
    out.print(f"{total}; {len(report.boots)} boots meet {met} rules" if report.boots else total, markup=False)


def _some(names: tuple[str, ...], *, every: bool) -> str:
    shown = names if every else names[:_SHOWN]
    return ", ".join(shown or ("none",)) + (", …" if len(names) > len(shown) else "")
