"""What stands in for C that cannot run here: hypercalls, assembly, other subsystems. By subject.

Every module has functions of a `Guest` and a table that names the C function each replaces. A primitive takes and
returns integers; `None` is void.
"""

from kpatch_tools.model.boot.guest import Guest, Primitives

from . import allocator, cpu, hypercalls, inert, strings, text, translation


def all_primitives(guest: Guest) -> Primitives:
    """Every primitive, bound to `guest`. Later subjects win over earlier ones."""
    primitives: Primitives = {}
    for subject in (inert, strings, text, cpu, translation, hypercalls, allocator):
        primitives.update(subject.primitives(guest))
    return primitives


DEFER_TO_TREE = allocator.DEFER_TO_TREE
"""Primitives that a definition in the tree replaces."""
