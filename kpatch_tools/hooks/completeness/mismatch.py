"""A function in a slot of another type."""

import re
from collections.abc import Iterator
from functools import partial

from kpatch_tools.core.finding import Status
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Function
from kpatch_tools.hooks.survey.atlas import Put

from .finding import Evidence, Flaw, Rule
from .gathering import GatheredSlot
from .signatures import Signature, differences, drops_result, read_signature
from .view import View

MISMATCH = Rule(
    id="signature-mismatch",
    title="a function in a slot of another type",
    why=(
        "It is called with other arguments than it expects: a missing one is whatever the register holds, a pointer to "
        "the wrong struct is read as the right one. The compiler only warns, and only where that file is built; a "
        "cast silences even that, and is reported as a doubt."
    ),
    example="struct ops { int (*open)(struct dev *d, int mode); };\n"
    "static int my_open(struct dev *d) { return 0; }\n"
    "struct ops my_ops = { .open = my_open };",
)
_LONGEST = 500  # lines of a function
_TALLEST = 6  # lines of a statement


def find_mismatches(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """Judged are only values that are named beside the member, and only where every function meant disagrees."""
    if len(slot.signatures) != 1:
        return
    wanted = read_signature(slot.signatures[0], slot.name, partial(view.typedef, seen_from=slot.file))
    if wanted is None:
        return
    for put in (*slot.defaults, *slot.overrides):
        if not put.value.isidentifier() or put.value == "NULL":
            continue
        meant = view.functions(put.value, put.location.file)
        if not meant:
            continue
        said = _disagreement(wanted, put, meant, view, cast=False)
        if said is None or not names_slot(put, slot, view) or _is_local(put, view):
            continue
        cast = _is_cast(put, view)
        said = _disagreement(wanted, put, meant, view, cast=True) if cast else said
        if said is None:
            continue
        text, drops = said
        yield Flaw(
            rule=MISMATCH,
            status=Status.WARN if cast or drops else Status.FAIL,
            type=slot.table.type,
            slot=slot.path,
            subject=put.value,
            location=put.location,
            message=f"{put.value} in {slot.table.type}.{slot.path}: {text}" + (", behind a cast" if cast else ""),
            evidence=(
                Evidence(slot.signatures[0], Location(slot.file, slot.line)),
                *(Evidence(one.fact.signature, Location(one.file, one.fact.line)) for one in meant),
            ),
        )


def _disagreement(
    wanted: Signature, put: Put, meant: tuple[At[Function], ...], view: View, *, cast: bool
) -> tuple[str, bool] | None:
    """What differs, and whether it is only a result that nobody takes; None where some function meant may fit."""
    said: list[tuple[str, bool]] = []
    for one in meant:
        given = read_signature(one.fact.signature, put.value, partial(view.typedef, seen_from=one.file))
        if given is None:
            return None
        found = [text for text, tags in differences(wanted, given, cast=cast) if not _is_renamed(tags, one, view)]
        if not found:
            return None
        said.append((", ".join(found), drops_result(wanted, given)))
    return said[0]


def _is_renamed(tags: tuple[str, ...], function: At[Function], view: View) -> bool:
    """Whether a macro may make another type of one of the structs' names."""
    return any(view.may_be_macro(tag.partition(" ")[2], function.file) for tag in tags)


def _statement(put: Put, view: View) -> str:
    """The text around a value: from the line before, where the value begins its own, to the end of the statement."""
    text = view.line(put.location)
    if re.match(rf"\s*&?\s*{re.escape(put.value)}\b", text) is not None:
        return view.line(put.location, 1) + " " + text
    for ahead in range(1, _TALLEST):
        if re.search(rf"\b{re.escape(put.value)}\b\s*[,;}})]", text) is not None:
            break
        text += " " + view.line(put.location, -ahead)
    return text


def names_slot(put: Put, slot: GatheredSlot, view: View) -> bool:
    """Whether the member's name stands beside the value; by position, conditionals in the struct shift all."""
    return re.search(rf"\b{re.escape(slot.name)}\b", _statement(put, view)) is not None


def _is_cast(put: Put, view: View) -> bool:
    return re.search(rf"[\w*)]\s*\)\s*\(*\s*&?\s*{re.escape(put.value)}\b", _statement(put, view)) is not None


def _is_local(put: Put, view: View) -> bool:
    """Whether the value may be a variable of the function that assigns it, which has a function's name."""
    if put.location.function is None:
        return False
    name = re.escape(put.value)
    head = re.compile(rf"[\w*]\s*[\s*]{name}\s*(?:[,;=)\[]|$)|\(\s*\*\s*{name}\s*\)")
    for back in range(min(_LONGEST, put.location.line)):
        line = view.line(put.location, back)
        if head.search(line) is not None:
            return True
        if line.startswith("}"):
            return False
    return put.location.line > _LONGEST
