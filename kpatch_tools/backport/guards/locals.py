"""locals-known: a change uses no parameter or variable that the target's function does not have.

Why: such a name is often a word that the file mentions elsewhere, so that names-known takes it for known.
"""

from collections.abc import Iterator, Sequence

from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.syntax import parse_c
from kpatch_tools.syntax.symbols import declared_names

from .values import Carriage, Carried, Objection
from .words import names_in

ID = "locals-known"


def object_to_strangers(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that uses what upstream's function declares before the change, and the target's does not."""
    for one in carriage.files:
        for edit in one.edits:
            missing = _missing(one, edit)
            if missing:
                listed = ", ".join(sorted(missing))
                why = f"it uses {listed}, which upstream's function declares and the target's does not"
                yield Objection(ID, one.path, edit.hunk, why)


def _missing(carried: Carried, edit: Edit) -> frozenset[str]:
    place, versions = carried.place(edit), carried.versions
    if place is None or versions is None or carried.base == carried.ours or not place.base.name.endswith("()"):
        return frozenset()
    if any(line.startswith((b"{", b"}")) for line in edit.new):
        return frozenset()  # the edit ends one function, or begins another
    there, here = _lines(versions.base, place.base), _lines(versions.ours, place.ours)
    if there == here:
        return frozenset()
    strangers = names_in(edit.new) & names_in(there) - names_in(here)
    if not strangers:
        return frozenset()
    named = {name.decode() for name in strangers} - {place.base.name.removesuffix("()")}
    declared = _declared(versions.base, place.base) & named
    return declared - _declared(versions.result, place.result) if declared else declared


def _lines(text: Text, block: Block) -> Sequence[bytes]:
    return text.lines[block.first : block.last + 1]


def _declared(text: Text, block: Block) -> frozenset[str]:
    return declared_names(parse_c(b"".join(_lines(text, block))))
