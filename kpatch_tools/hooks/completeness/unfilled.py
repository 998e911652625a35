"""Slots that are called and may be empty."""

import re
from collections.abc import Iterator
from statistics import median

from kpatch_tools.core.finding import Status
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.survey.atlas import CallSite, Instance

from .finding import Evidence, Flaw, Rule
from .gathering import GatheredSlot
from .view import Mention, View

NEVER_FILLED = Rule(
    id="never-filled",
    title="a slot that is called without a test, and that nothing fills",
    why="No table has a function there, and no code puts one in: whoever gets to the call jumps to address 0.",
    example="struct ops { int (*open)(void); int (*flush)(void); };\n"
    "static struct ops my_ops = { .open = my_open };\n"
    "int f(struct ops *o) { return o->flush(); }",
)
LEFT_OUT = Rule(
    id="left-out",
    title="a table leaves out a slot that every other one fills, and that is called without a test",
    why=(
        "Callers take it for granted: no code in the tree tests this slot, nothing gives it a default later, and all "
        "other tables of the type (five or more) fill it. Whoever calls it by way of this table jumps to address 0; "
        "whether anybody gets there with this table, the text does not say."
    ),
    example="static struct ops a = { .open = f, .close = g }, b = { .open = f };  /* and four like a */\n"
    "void h(struct ops *o) { o->close(); }",
)
_ENOUGH = 5
_FEW = 0.1
_MOST = 0.75  # a table with fewer slots than that of the usual number is a partial one on purpose
_MOST_FILES = 150


def find_unfilled(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """Slots with a doubtful use, and those whose name is on too many lips to look at each, are not judged."""
    bare = [call for call in slot.calls if not call.guarded]
    if not bare or slot.doubtful or len(slot.signatures) != 1 or any(call.macro for call in slot.calls):
        return
    if not slot.defaults and not slot.overrides and slot.is_made_here:
        yield from _never_filled(slot, bare, view)
    elif slot.defaults and len(bare) == len(slot.calls) and not slot.overrides:
        yield from _left_out(slot, bare, view)


def _never_filled(slot: GatheredSlot, bare: list[CallSite], view: View) -> Iterator[Flaw]:
    # Another type may be laid over this one: whatever fills a member of that name counts.
    if view.is_assigned(slot.name):
        return
    mentions = _all_mentions(slot, view)
    if mentions is None or any(is_filling(one) or is_taken(one) or is_test(one) for one in mentions):
        return
    if view.may_be_pasted(slot.name, slot.files):
        return
    first = bare[0]
    yield Flaw(
        rule=NEVER_FILLED,
        status=Status.FAIL,
        type=slot.table.type,
        slot=slot.path,
        subject="",
        location=first.location,
        message=f"{first.location.function} calls {slot.table.type}.{slot.path}, which nothing fills",
        evidence=(
            Evidence(slot.signatures[0], Location(slot.file, slot.line)),
            *(Evidence(f"called by {call.location.function}", call.location) for call in bare[1:]),
        ),
    )


def _left_out(slot: GatheredSlot, bare: list[CallSite], view: View) -> Iterator[Flaw]:
    filled = {(put.variable, put.location.file, put.element) for put in slot.defaults if put.value != "NULL"}
    tables = [one for one in slot.table.instances if one.elements and not one.prefix]
    empty = [
        one
        for one in tables
        if not one.array and not any((one.name, one.location.file) == known[:2] for known in filled)
    ]
    usual = median(slot.filled.values()) if slot.filled else 0
    empty = [one for one in empty if slot.filled.get((one.name, one.location.file), 0) >= _MOST * usual]
    if not empty or len(filled) < _ENOUGH or len(empty) > _FEW * len(filled):
        return
    mentions = _all_mentions(slot, view)
    if mentions is None or any(is_test(one) or is_assignment(one) or is_taken(one) for one in mentions):
        return
    for instance in empty:
        if _is_filled_elsewhere(instance, slot, view):
            continue
        yield Flaw(
            rule=LEFT_OUT,
            status=Status.WARN,
            type=slot.table.type,
            slot=slot.path,
            subject=instance.name,
            location=instance.location,
            message=f"{instance.name} leaves out {slot.path}, which {len(filled)} others fill and no caller tests",
            evidence=tuple(Evidence(f"called by {call.location.function}", call.location) for call in bare),
        )


def _all_mentions(slot: GatheredSlot, view: View) -> list[Mention] | None:
    """Where the member's name stands in code; None where that is in too many files to say."""
    files = view.facts.files_with(slot.name)
    if len(files) > _MOST_FILES:
        return None
    return [mention for file in files for mention in view.mentions(slot.name, file)]


def _is_filled_elsewhere(instance: Instance, slot: GatheredSlot, view: View) -> bool:
    """Whether macros may fill it: its initialiser has something in capitals that is called or stands alone."""
    code = view.code(instance.location.file)
    start = re.search(rf"\b{re.escape(instance.name)}\b[^;{{]*=\s*\{{", code)
    if start is None:
        return True
    body = code[start.end() : code.find("\n}", start.end())]
    return re.search(rf"^\s*[A-Z_0-9]+\b\s*[,(\n]|#|\b{re.escape(slot.name)}\b", body, re.MULTILINE) is not None


def is_assignment(one: Mention) -> bool:
    """Whether the member of some object is assigned there; a designator is none.

    >>> place = Location("a.c", 1)
    >>> is_assignment(Mention(place, "x->", " = f;")), is_assignment(Mention(place, "{ .", " = f,"))
    (True, False)
    """
    return _ASSIGNED.match(one.after) is not None and re.search(r"(?:->|[\w)\]]\s*\.)\s*\Z", one.before) is not None


def is_filling(one: Mention) -> bool:
    """Whether a function is put there, by a designator, an assignment, or a macro's pasted one."""
    return _ASSIGNED.match(one.after) is not None or (
        re.match(r"\s*:(?!:)", one.after) is not None and re.search(r"[{,]\s*\Z", one.before) is not None
    )


def is_test(one: Mention) -> bool:
    """Whether somebody looks if it is there, or may: it stands alone in a condition, or is copied."""
    if re.search(r"(?:->|\.)\s*\Z", one.before) is None:
        return False
    return re.match(r"\s*(?:\[[^\]]*\]\s*)?(?:\)(?!\s*\()|\?|&&|\|\||[!=]=|;|,(?!\s*\.))", one.after) is not None


def is_taken(one: Mention) -> bool:
    """Whether its address is taken, its place computed, or its name built by a macro."""
    return (
        re.search(r"&\s*[\w.>\[\]()-]*(?:->|\.)\s*\Z|offsetof\s*\([^()]*,\s*\Z|##\s*\Z", one.before) is not None
        or re.match(r"\s*##", one.after) is not None
    )


_ASSIGNED = re.compile(r"\s*(?:\[[^\]]*\]\s*)?=(?!=)")
