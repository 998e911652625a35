"""Every guard, and what they say together."""

from .identifiers import object_to_unknown
from .values import Carriage, Guard, Objections

ALL_GUARDS: tuple[Guard, ...] = (object_to_unknown,)


def find_objections(carriage: Carriage) -> Objections:
    """The first objection to each hunk, by file and number; empty if there is none."""
    found: Objections = {}
    for guard in ALL_GUARDS:
        found = {(one.path, one.number): one for one in guard(carriage)} | dict(found)
    return found
