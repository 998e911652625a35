"""Slots that are called and may be empty."""

import re
from collections.abc import Iterator

from kpatch_tools.core.finding import Status
from kpatch_tools.core.span import Location

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


def may_be_never_filled(slot: GatheredSlot, view: View) -> bool:
    """What the facts say of it; slots with a doubtful use are not judged."""
    if slot.defaults or slot.overrides or not slot.is_made_here or slot.doubtful or len(slot.signatures) != 1:
        return False
    if all(call.guarded for call in slot.calls) or any(call.macro for call in slot.calls):
        return False
    # Another type may be laid over this one: whatever fills a member of that name counts.
    return not view.is_assigned(slot.name)


def find_never_filled(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """Judged by the member's name: where any type's member of that name is filled, tested or taken, nothing is said."""
    if not may_be_never_filled(slot, view):
        return
    if any(is_filling(one) or is_taken(one) or is_test(one) for one in view.all_mentions(slot.name)):
        return
    if view.may_be_pasted(slot.name, slot.tag, slot.files):
        return
    first, *others = (call for call in slot.calls if not call.guarded)
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
            *(Evidence(f"called by {call.location.function}", call.location) for call in others),
        ),
    )


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
    """Whether its address is taken, its place computed, or its name passed to or built by a macro."""
    return (
        (re.search(r"[(,]\s*\Z", one.before) is not None and re.match(r"\s*[,)]", one.after) is not None)
        or re.search(r"&\s*[\w.>\[\]()-]*(?:->|\.)\s*\Z|offsetof\s*\([^()]*,\s*\Z|##\s*\Z", one.before) is not None
        or re.match(r"\s*##", one.after) is not None
    )


_ASSIGNED = re.compile(r"\s*(?:\[[^\]]*\]\s*)?=(?!=)")
