"""Hook tables: slots, defaults, overrides, call sites; and patches that add a slot."""

from .atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
from .tables import find_hook_tables

__all__ = ["Coverage", "HookAtlas", "HookTable", "NotUnderstood", "Reference", "Slot", "find_hook_tables"]
