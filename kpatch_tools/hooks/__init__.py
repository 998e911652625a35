"""Hook tables: slots, defaults, overrides, call sites; and patches that add a slot."""

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
from .tables.atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
from .tables.finder import find_hook_tables
from .tables.listing import TableName, list_hook_tables

__all__ = [
    "HOOKS",
    "Cause",
    "CauseState",
    "Completion",
    "Coverage",
    "Evidence",
    "Features",
    "Generated",
    "HookAtlas",
    "HookPart",
    "HookSpec",
    "HookTable",
    "Lack",
    "Need",
    "NotUnderstood",
    "Part",
    "Presence",
    "PresenceState",
    "Reference",
    "Refusal",
    "Slot",
    "Step",
    "TableName",
    "Undefined",
    "Upstream",
    "complete_hook",
    "find_hook_tables",
    "generate_hook",
    "list_hook_tables",
    "load_hook",
    "probe_cause",
    "probe_features",
    "probe_presence",
    "recognise_hook",
    "remove_hook",
]
