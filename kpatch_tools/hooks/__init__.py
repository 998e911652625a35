"""Hook tables: slots, defaults, overrides, call sites; and patches that add a slot."""

from .atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
from .cause import Cause, CauseState, Evidence, probe_cause
from .completion import Completion, Undefined, complete_hook, recognise_hook
from .features import Features, Lack, Need, probe_features
from .generate import Generated, Refusal, Step, Upstream, generate_hook
from .listing import TableName, list_hook_tables
from .parts import HookPart
from .presence import Part, Presence, PresenceState, probe_presence
from .removal import remove_hook
from .spec import HOOKS, HookSpec, load_hook
from .tables import find_hook_tables

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
