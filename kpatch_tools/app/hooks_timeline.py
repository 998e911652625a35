"""Use case: birth, rename, re-typing and death of each slot, with the commit that did it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.history.events import Event, EventKind
from kpatch_tools.hooks.history.journal import HistoryJournal
from kpatch_tools.hooks.history.states import Tables
from kpatch_tools.hooks.history.stretch import CommitEvents, Stretch
from kpatch_tools.hooks.history.walking import TableHistory
from kpatch_tools.tree import CommitData, KernelTree, Revision

DEFAULT_SCOPE = ("arch/x86",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit and what it did. `direct`: it was held against the stretch's older end, for it has no history."""

    commit: CommitData
    events: tuple[Event, ...]
    direct: bool = False

    @property
    def is_merge(self) -> bool:
        return len(self.commit.parents) > 1


@dataclass(frozen=True, slots=True)
class StretchReport:
    """`entries` oldest first. `has_history`: whether the two ends have a common ancestor; where they have none, the
    newer end is compared with the older one directly.

    `fork`: the best common ancestor, where that is not `base` itself: what the older end's side did since is not told.
    `commits`, `states`, `damaged`: see `Stretch`.
    """

    base: Revision
    tip: Revision
    entries: tuple[Entry, ...]
    has_history: bool
    fork: ObjectId | None
    commits: int
    states: int
    damaged: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class TimelineReport:
    """One stretch for each two neighbours of the range. `tables`, `slot`: what was asked for; none means all."""

    stretches: tuple[StretchReport, ...]
    tables: tuple[str, ...]
    slot: str
    scope: tuple[str, ...]
    first_parent: bool


def hooks_timeline(
    tree: KernelTree,
    spelled: str,
    *,
    tables: tuple[str, ...] = (),
    slot: str = "",
    scope: tuple[str, ...] = DEFAULT_SCOPE,
    first_parent: bool = False,
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> TimelineReport:
    """What happened to the tables that headers below `scope` declare, in `OLD..NEW`, or in `A..B..C` stretch by
    stretch.

    `tables` and `slot` ("x86_init.mapping.pagetable_reserve") choose; what was renamed is told under either name. With
    a `cache_dir` nothing is read twice.

    KpatchError: bad-range, empty-range, no-such-table, no-such-slot, unknown-revision, not-a-kernel-tree,
    shallow-history.
    """
    ends = _ends(tree, spelled)
    journal = HistoryJournal.open(cache_dir / "hook-history") if cache_dir is not None else HistoryJournal()
    history = TableHistory(tree, scope, journal)
    if slot and not tables:
        tables = (slot.partition(".")[0],)
    found = tuple(
        _stretch(tree, history, base, tip, first_parent=first_parent, progress=progress) for base, tip in pairwise(ends)
    )
    states = [history.tables(tree.commit(end.oid).tree) for end in ends]
    events = [event for one in found for entry in one.entries for event in entry.events]
    _require(tables, slot, states, events, spelled, scope)
    chosen = tuple(
        replace(
            one,
            entries=tuple(
                replace(entry, events=kept)
                for entry in one.entries
                if (kept := tuple(event for event in entry.events if _is_about(event, tables, slot)))
            ),
        )
        for one in found
    )
    journal.write()
    return TimelineReport(chosen, tables, slot, scope, first_parent)


def _ends(tree: KernelTree, spelled: str) -> tuple[Revision, ...]:
    parts = spelled.split("..")
    if len(parts) < 2 or any(part.startswith(".") for part in parts) or not all(parts[1:-1]):
        raise KpatchError(
            "bad-range", f"{spelled!r} is no range", hint="OLD..NEW, e.g. v2.6.38..v2.6.39; or a chain A..B..C"
        )
    return tuple(kernel_at(tree, part or "HEAD") for part in parts)


def _stretch(
    tree: KernelTree,
    history: TableHistory,
    base: Revision,
    tip: Revision,
    *,
    first_parent: bool,
    progress: Callable[[str], None],
) -> StretchReport:
    fork = history.fork(base.oid, tip.oid)
    if fork == tip.oid:
        raise KpatchError(
            "empty-range",
            f"{base.spelled}..{tip.spelled} holds no commit",
            hint="name the older revision first: OLD..NEW",
        )
    if fork is None:
        events = history.between(base.oid, tip.oid)
        changed = (CommitEvents(tip.oid, events),) if events else ()
        ends = (base.oid, tip.oid)
        damaged = (
            place for end in ends for one in history.tables(tree.commit(end).tree).values() for place in one.damaged
        )
        found = Stretch(changed, 0, 2, tuple(dict.fromkeys(damaged)))
    else:
        found = history.stretch(base.oid, tip.oid, first_parent=first_parent, progress=progress)
    return StretchReport(
        base=base,
        tip=tip,
        entries=tuple(Entry(tree.commit(one.commit), one.events, fork is None) for one in found.changed),
        has_history=fork is not None,
        fork=fork if fork != base.oid else None,
        commits=found.commits,
        states=found.states,
        damaged=found.damaged,
    )


def _is_about(event: Event, tables: tuple[str, ...], slot: str) -> bool:
    if slot:
        return slot in (event.name, event.old_name)
    return not tables or event.table in tables or event.old_table in tables


def _require(
    tables: tuple[str, ...],
    slot: str,
    states: list[Tables],
    events: list[Event],
    spelled: str,
    scope: tuple[str, ...],
) -> None:
    """KpatchError where a name that was asked for was never there."""
    known = {name for state in states for name in state} | {
        name for one in events for name in (one.table, one.old_table)
    }
    for table in tables:
        if table not in known:
            raise KpatchError(
                "no-such-table",
                f"no header below {', '.join(scope)} declares a hook table {table} anywhere in {spelled}",
                hint="name the variable, such as x86_init; --scope FOLDER looks elsewhere",
            )
    slots = {f"{table.name}.{one.path}" for state in states for table in state.values() for one in table.slots}
    slots |= {name for one in events for name in (one.name, one.old_name) if one.kind is not EventKind.BORN or one.slot}
    if slot and slot not in slots:
        last = slot.rpartition(".")[2]
        near = sorted(name for name in slots if name.rpartition(".")[2] == last or name.endswith(f".{last}"))[:3]
        raise KpatchError(
            "no-such-slot",
            f"there is no slot {slot} anywhere in {spelled}",
            hint=f"did you mean {', '.join(near)}?" if near else "a slot is spelled from its table's variable on",
        )
