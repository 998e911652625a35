"""`kpt hooks check`: is every table of a revision complete and sound?"""

import click

from kpatch_tools.app.hooks_check import HooksCheckReport, hooks_check
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.core.finding import Status
from kpatch_tools.hooks.completeness.catalogue import ALL_RULES
from kpatch_tools.hooks.completeness.finding import Flaw, Rule

_MARKS = {Status.FAIL: ("✗", "red"), Status.WARN: ("!", "yellow")}


@click.command("check")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to read.")
@click.option("--table", "tables", multiple=True, help="Only the types of this variable; repeatable.  [default: all]")
@click.option("--type", "types", multiple=True, help="Only this type: 'struct file_operations'; repeatable.")
@click.option("--scope", multiple=True, metavar="FOLDER", help="Tell only what is found there; repeatable.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; repeatable.  [default: all]")
@click.option("--explain", is_flag=True, help="Tell what the rules are, why, and an example of each.")
@verb
def command(
    session: Session,
    *,
    rev: str,
    tables: tuple[str, ...],
    types: tuple[str, ...],
    scope: tuple[str, ...],
    rules: tuple[str, ...],
    explain: bool,
) -> int:
    """Judge every hook table: slots that are called and empty, functions of another type or of memory that is freed,
    overrides that never run, initcalls that race.

    The whole tree is read, since a caller or a default may be anywhere; after the first time an index answers
    ($KPT_CACHE_DIR). A rule speaks only where the facts leave no way out: a doubtful use, a test in a wrapper, a
    conditional of the preprocessor or a macro that may fill the slot silence it. ✗ is wrong as it stands, ! only
    misleads. What the tree's text cannot tell, such as two drivers that are never built together, remains to be judged
    by a person.

    Exit 0: nothing wrong (✗). 1: something is. 2: no such revision, table or rule.

    \b
    Examples:
      kpt hooks check --rev v2.6.39
      kpt hooks check --rev v2.6.39 --table x86_init --table x86_platform
      kpt hooks check --rev v3.1 --type platform_driver --rule init-in-live-table --scope drivers/input
      kpt hooks check --explain --rule never-filled
      kpt hooks check --rev v3.1 --json | jq '.findings[] | select(.status == "FAIL") | .message'
    """
    if explain:
        _explain(session, [rule for rule in ALL_RULES if not rules or rule.id in rules])
        return 0
    with session.progress(f"judging {rev}") as step:
        report = hooks_check(
            session.tree,
            rev,
            tables=tables,
            types=types,
            scope=scope,
            rules=rules,
            cache_dir=cache_dir(),
            progress=step,
        )
    if report.remark:
        session.err.print(report.remark, style="yellow", markup=False)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _explain(session: Session, rules: list[Rule]) -> None:
    if session.as_json:
        session.print_json({"rules": [_rule_fields(rule) for rule in rules]})
        return
    for rule in rules:
        _line(session, f"{rule.id}: {rule.title}", "bold")
        _line(session, f"  {rule.why}")
        for line in rule.example.split("\n"):
            _line(session, f"    {line}", "cyan")


def _rule_fields(rule: Rule) -> dict[str, object]:
    return {"id": rule.id, "title": rule.title, "why": rule.why, "example": rule.example}


def _fields(report: HooksCheckReport) -> dict[str, object]:
    extent = report.extent
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "rules": [rule.id for rule in report.rules],
        "types": report.types,
        "slots": report.judged,
        "doubtful_slots": report.doubtful,
        "findings": [_flaw_fields(flaw) for flaw in report.flaws],
        "coverage": {
            "files": extent.files,
            "bytes": extent.bytes,
            "files_with_unread_parts": extent.unread_files,
            "unread_bytes": extent.unread_bytes,
        },
    }


def _flaw_fields(flaw: Flaw) -> dict[str, object]:
    return {
        "rule": flaw.rule.id,
        "status": flaw.status.name,
        "type": flaw.type,
        "slot": flaw.slot,
        "subject": flaw.subject or None,
        "message": flaw.message,
        "file": flaw.location.file,
        "line": flaw.location.line,
        "function": flaw.location.function,
        "evidence": [{"text": one.text, "file": one.location.file, "line": one.location.line} for one in flaw.evidence],
    }


_SHOWN = 4


def _print(session: Session, report: HooksCheckReport) -> None:
    for rule in report.rules:
        flaws = [flaw for flaw in report.flaws if flaw.rule is rule]
        if flaws:
            _line(session, f"{rule.id}: {rule.title} ({len(flaws)})", "bold")
        for flaw in flaws:
            mark, style = _MARKS[flaw.status]
            _line(session, f"  {mark} {flaw.location}  {flaw.message}", style)
            if session.verbosity >= 0:
                for one in flaw.evidence[:_SHOWN]:
                    _line(session, f"      {one.location}  {one.text}", "dim")
                if len(flaw.evidence) > _SHOWN:
                    _line(session, f"      and {len(flaw.evidence) - _SHOWN} more places (--json)", "dim")
    wrong = sum(flaw.status is Status.FAIL for flaw in report.flaws)
    extent = report.extent
    _line(
        session,
        f"{report.revision.spelled}: {report.judged} slots of {report.types} types; {wrong} wrong, "
        f"{len(report.flaws) - wrong} misleading; {report.doubtful} slots have uses in doubt; "
        f"{extent.unread_bytes} of {extent.bytes} bytes were not understood",
        "dim",
    )


def _line(session: Session, text: str, style: str = "") -> None:
    session.out.print(text, style=style, markup=False)
