"""Which empty slot a call through a null pointer went through.

A processor only knows that it jumped to address 0. The caller's own text says through which member of which table; a
slot counts where the table itself is among the files read, because other data starts as zero whatever it really is.
"""

from collections.abc import Iterator

from kpatch_tools.syntax import Node, descend

from .boot.guest import Guest
from .cexec import CallFrame, Trap
from .machine import NullSlot


def find_null_slot(guest: Guest, trap: Trap, chain: tuple[CallFrame, ...]) -> NullSlot | None:
    """The fault that `trap` is, in the innermost call of `chain`; None where it is none, or nothing shows the slot."""
    if trap.kind != "wild-call" or trap.address != 0 or not chain:
        return None
    caller = guest.program.index.function(chain[0].function, chain[0].file)
    if caller is None:
        return None
    empty = [(node, path) for node, path in _called_members(caller.node) if _is_empty(guest, path)]
    here = [path for node, path in empty if guest.program.index.place(node) == (chain[0].file, chain[0].line)]
    paths = here or [path for _, path in empty]
    return NullSlot(paths[0]) if paths else None


def _called_members(function: Node) -> Iterator[tuple[Node, str]]:
    """Each `table.….member` that is called, or handed to what may call it, outermost chains only."""
    for node in descend(function):
        if node.type != "field_expression" or (node.parent is not None and node.parent.type == "field_expression"):
            continue
        path = (node.text or b"").decode("latin-1").replace(" ", "").replace("\n", "")
        if "->" not in path and "[" not in path and "(" not in path:
            yield node, path


def _is_empty(guest: Guest, path: str) -> bool:
    table, _, member = path.partition(".")
    if not guest.has_member(table, member) or table in guest.program.undefined_globals:
        return False
    place = guest.member(table, member)
    return place.is_pointer and place.load() == 0
