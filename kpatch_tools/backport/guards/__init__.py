"""Re-checks what was carried: each guard is one module with one rule."""

from .catalogue import ALL_GUARDS, MERGED_GUARDS, find_objections
from .values import Carriage, Carried, Guard, Objection, Objections

__all__ = ["ALL_GUARDS", "MERGED_GUARDS", "Carriage", "Carried", "Guard", "Objection", "Objections", "find_objections"]
