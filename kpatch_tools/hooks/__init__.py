"""Hook tables: slots, defaults, overrides, call sites; and patches that add a slot.

The map of all tables of a revision, as a bot asks for it:

    facts = open_index(Path("~/.cache/kpt").expanduser()).at(tree.at(tree.resolve("v2.6.39")))
    for table in list_types(facts).tables:
        print(table.type, table.kind, len(table.slots), [instance.name for instance in table.instances])
    for reading in read_type(facts, "struct file_operations"):
        print(reading.table.location, len(reading.unresolved), [len(slot.calls) for slot in reading.slots])
    for story in read_slot(facts, "x86_init.mapping.pagetable_reserve"):
        print(story.slot.defaults, story.slot.overrides, story.slot.calls)
    print(services_of(facts, "xen_mapping_pagetable_reserve").services)

Every answer has an `extent`, how much there is and how much of it was not understood, and `unread`, the parts that were
not in which what was asked for occurs: an answer is whole where `unread` and `unresolved` are empty.

Each name is imported when it is first asked for: who generates a patch needs no index of all tables, and so on.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .index.facts import At, Unread
    from .index.query import Extent, TreeFacts
    from .index.store import Index, StoredFacts, open_index
    from .patches.cause import Cause, CauseState, Evidence, probe_cause
    from .patches.completion import Completion, Undefined, complete_hook, recognise_hook
    from .patches.features import Features, probe_features
    from .patches.generate import Generated, Refusal, generate_hook
    from .patches.lacks import Lack, Need
    from .patches.parts import HookPart
    from .patches.presence import Part, Presence, PresenceState, probe_presence
    from .patches.removal import remove_hook
    from .patches.spec import HOOKS, HookSpec, load_hook
    from .patches.written import Step, Upstream
    from .survey.atlas import (
        CallSite,
        Instance,
        Put,
        ReadSlot,
        Service,
        Services,
        SlotStory,
        TableKind,
        TableList,
        TableType,
        TypeReading,
        TypeSlot,
        Unresolved,
    )
    from .survey.reading import read_slot, read_type
    from .survey.serving import services_of
    from .survey.types import list_types
    from .tables.atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
    from .tables.finder import find_hook_tables
    from .tables.listing import TableName, list_hook_tables

__all__ = [
    "HOOKS",
    "At",
    "CallSite",
    "Cause",
    "CauseState",
    "Completion",
    "Coverage",
    "Evidence",
    "Extent",
    "Features",
    "Generated",
    "HookAtlas",
    "HookPart",
    "HookSpec",
    "HookTable",
    "Index",
    "Instance",
    "Lack",
    "Need",
    "NotUnderstood",
    "Part",
    "Presence",
    "PresenceState",
    "Put",
    "ReadSlot",
    "Reference",
    "Refusal",
    "Service",
    "Services",
    "Slot",
    "SlotStory",
    "Step",
    "StoredFacts",
    "TableKind",
    "TableList",
    "TableName",
    "TableType",
    "TreeFacts",
    "TypeReading",
    "TypeSlot",
    "Undefined",
    "Unread",
    "Unresolved",
    "Upstream",
    "complete_hook",
    "find_hook_tables",
    "generate_hook",
    "list_hook_tables",
    "list_types",
    "load_hook",
    "open_index",
    "probe_cause",
    "probe_features",
    "probe_presence",
    "read_slot",
    "read_type",
    "recognise_hook",
    "remove_hook",
    "services_of",
]

_HOMES = {
    "index.facts": "At Unread",
    "index.query": "Extent TreeFacts",
    "index.store": "Index StoredFacts open_index",
    "patches.cause": "Cause CauseState Evidence probe_cause",
    "patches.completion": "Completion Undefined complete_hook recognise_hook",
    "patches.features": "Features probe_features",
    "patches.generate": "Generated Refusal generate_hook",
    "patches.lacks": "Lack Need",
    "patches.parts": "HookPart",
    "patches.presence": "Part Presence PresenceState probe_presence",
    "patches.removal": "remove_hook",
    "patches.spec": "HOOKS HookSpec load_hook",
    "patches.written": "Step Upstream",
    "survey.atlas": "CallSite Instance Put ReadSlot Service Services SlotStory "
    "TableKind TableList TableType TypeReading TypeSlot Unresolved",
    "survey.reading": "read_slot read_type",
    "survey.serving": "services_of",
    "survey.types": "list_types",
    "tables.atlas": "Coverage HookAtlas HookTable NotUnderstood Reference Slot",
    "tables.finder": "find_hook_tables",
    "tables.listing": "TableName list_hook_tables",
}
_ROOMS = {name: room for room, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
