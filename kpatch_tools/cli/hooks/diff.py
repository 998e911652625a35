"""`kpt hooks diff`: what differs between the hook tables of two revisions."""

import click

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.hooks_diff import DiffReport, Side, hooks_diff
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.hooks import HookTable, Slot
from kpatch_tools.hooks.history.difference import SlotChange, SlotDifference, TableDifference, Use, UseChange
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE

_STYLES = {
    SlotChange.ADDED: "green",
    SlotChange.REMOVED: "red",
    SlotChange.RENAMED: "yellow",
    SlotChange.RETYPED: "yellow",
    SlotChange.KEPT: "",
}


@click.command("diff")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--table", "tables", multiple=True, help="Only this table's variable; repeatable.  [default: all]")
@click.option(
    "--scope",
    multiple=True,
    metavar="FOLDER",
    help=f"What is read; repeatable.  [default: {', '.join(DEFAULT_SCOPE)}, for tables of {DEFAULT_SCOPE[0]}]",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 where something differs, as git diff does.")
@verb
def command(
    session: Session, *, old: str, new: str, tables: tuple[str, ...], scope: tuple[str, ...], exit_code: bool
) -> int:
    """Slots added, removed, renamed and re-typed from OLD to NEW; defaults, overrides, call sites and guards that
    came or went.

    A place is told by its function and file: a line that moved is no change, and one that went to another file is
    shown as moved. Without --table, all tables that headers of the scope declare. Exit 0, or with --exit-code 1 where
    something differs.

    \b
    Examples:
      kpt hooks diff v2.6.38 v2.6.39 --table x86_init
      kpt hooks diff v3.1 tree-3.3.6 --table x86_platform --table x86_init --json
      kpt hooks diff v2.6.39 v3.0 --scope arch/x86/xen --scope arch/x86/include -q
    """
    with session.progress(f"{old} {new}") as step:
        report = hooks_diff(
            session.tree, old, new, tables=tables, scope=scope or DEFAULT_SCOPE, cache_dir=cache_dir(), progress=step
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return Exit.PERSON if exit_code and report.tables else Exit.DONE


def _fields(report: DiffReport) -> dict[str, object]:
    return {
        "old": _side_fields(report.old),
        "new": _side_fields(report.new),
        "scope": list(report.scope),
        "tables": [
            {
                "name": table.name,
                "old_type": table.old.type if table.old is not None else None,
                "new_type": table.new.type if table.new is not None else None,
                "slots": [_slot_fields(slot) for slot in table.slots],
            }
            for table in report.tables
        ],
    }


def _side_fields(side: Side) -> dict[str, object]:
    return {
        "revision": side.revision.spelled,
        "commit": side.revision.oid,
        "tables": [table.name for table in side.tables],
        "not_understood": [
            {"file": one.location.file, "line": one.location.line, "reason": one.reason, "text": one.text}
            for one in side.not_understood
        ],
    }


def _slot_fields(one: SlotDifference) -> dict[str, object]:
    return {
        "change": one.change.value,
        "name": one.name,
        "old_name": f"{one.old_table}.{one.old.path}" if one.old is not None else None,
        "signature": one.new.signature if one.new is not None else None,
        "old_signature": one.old.signature if one.old is not None else None,
        "because": one.because or None,
        "uses": [
            {
                "role": use.role.value,
                "old": _use_fields(use.old),
                "new": _use_fields(use.new),
                "file": use.location.file,
                "line": use.location.line,
            }
            for use in one.uses
        ],
    }


def _use_fields(use: Use | None) -> dict[str, object] | None:
    if use is None:
        return None
    return {"function": use.function or None, "file": use.file, "in": use.where}


def _print(session: Session, report: DiffReport) -> None:
    old, new = report.old.revision.spelled, report.new.revision.spelled
    for table in report.tables:
        _line(session, _title(table, old, new), "bold")
        for slot in table.slots:
            _print_slot(session, slot)
    compared = len({one.name for side in (report.old, report.new) for one in side.tables})
    differ = f"{len(report.tables)} of {compared} table{' differs' if compared == 1 else 's differ'}"
    _line(session, f"{old} → {new}: {differ if report.tables else f'no difference in {compared}'}", "dim")
    for side in (report.old, report.new):
        for one in side.not_understood:
            where = f"{side.revision.spelled}: {one.location}"
            _line(session, f"not understood: {where}: {one.reason}: {one.text}", "yellow")


def _title(table: TableDifference, old: str, new: str) -> str:
    for side, missing in ((table.old, new), (table.new, old)):
        other = table.new if side is table.old else table.old
        if side is not None and other is None:
            return f"{table.name}  {side.type}, {_slots(side)}: not in {missing}"
    return table.name


def _slots(table: HookTable) -> str:
    return f"{len(table.slots)} slot" + ("" if len(table.slots) == 1 else "s")


def _print_slot(session: Session, one: SlotDifference) -> None:
    kind = one.change.value if one.change is not SlotChange.KEPT else ""
    _line(session, f"  {kind:<9}{_what(one)}", _STYLES[one.change])
    for use in one.uses:
        _line(session, f"      {use.role.value:<9}{_change(use)}")


def _what(one: SlotDifference) -> str:
    signature = _signature(one.new or one.old)
    if one.change is SlotChange.RENAMED and one.old is not None:
        return f"{one.old_table}.{one.old.path} → {one.name}  {signature}  ({one.because})"
    if one.change is SlotChange.RETYPED:
        return f"{one.name}  {_signature(one.old)} → {signature}"
    return f"{one.name}  {signature}"


def _signature(slot: Slot | None) -> str:
    return slot.signature if slot is not None else ""


def _change(change: UseChange) -> str:
    use = change.new or change.old
    assert use is not None, "a change has at least one side"
    where = f"in {use.where}, " if use.where else ""
    what = f"{use.function}  {where}" if use.function else where
    if change.old is not None and change.new is not None:
        return f"= {what}{change.old.file} → {change.location}"
    return f"{'+' if change.old is None else '-'} {what}{change.location}"


def _line(session: Session, text: str, style: str = "") -> None:
    session.out.print(text, style=style, markup=False)
