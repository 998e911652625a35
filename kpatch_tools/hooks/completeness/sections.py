"""Functions of a section that is gone, in a table that stays."""

import re
from collections.abc import Iterable, Iterator

from kpatch_tools.core.finding import Status
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Function
from kpatch_tools.hooks.survey.atlas import CallSite, Instance, Put

from .finding import Evidence, Flaw, Rule
from .gathering import GatheredSlot
from .view import View

GONE_INIT = Rule(
    id="init-in-live-table",
    title="a table that stays holds a function that is freed after boot",
    why=(
        "Memory of __init functions is given back when the kernel has booted or the module is loaded. A slot that "
        "other code than __init calls leads there later: into whatever lies there then."
    ),
    example="static int __init my_probe(struct dev *d) { return 0; }\n"
    "static struct driver my_driver = { .probe = my_probe };",
)
GONE_EXIT = Rule(
    id="exit-in-table",
    title="a table holds an __exit or __devexit function without the macro that leaves it out",
    why=(
        "A kernel with the code built in throws such functions away: the reference does not link, or leads nowhere. "
        "__devexit_p() and __exit_p() give NULL there."
    ),
    example="static int __devexit my_remove(struct dev *d) { return 0; }\n"
    "static struct driver my_driver = { .remove = my_remove };",
)
GONE_SOMETIMES = Rule(
    id="devinit-in-late-slot",
    title="a slot that is called at any time holds a __devinit or __cpuinit function",
    why=(
        "Without CONFIG_HOTPLUG (CONFIG_HOTPLUG_CPU) these are __init. Nearly every other table has a plain function "
        "in this slot, so that it is not only called while devices are found."
    ),
    example="static int __devinit my_resume(struct dev *d) { return 0; }\n"
    "static struct driver my_driver = { .resume = my_resume };  /* all others are plain */",
)
_INIT = "__init"
_EXITS = frozenset({"__exit", "__devexit", "__cpuexit", "__memexit"})
_SOMETIMES = frozenset({"__devinit", "__cpuinit", "__meminit"})
_FEW = 0.05
_SOME = 0.3  # where so many functions of a slot are __init, that is its contract, whoever seems to call it
_ENOUGH = 8
_DEEPEST = 3


def find_gone(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """What the three rules say about one slot."""
    noted = [
        (put, instance, meant)
        for put in slot.defaults
        if put.value.isidentifier()
        and (instance := slot.instance(put)) is not None
        and (meant := view.functions(put.value, put.location.file))
    ]
    sometimes = [one for one in noted if _sections(one[2]) & _SOMETIMES]
    plain = sum(not _sections(meant) for _, _, meant in noted)
    at_boot = sum(_INIT in _sections(meant) for _, _, meant in noted)
    is_custom = at_boot > _SOME * len(noted) and at_boot > 1
    late: CallSite | None = None
    for put, instance, meant in noted:
        sections = _sections(meant)
        if not sections or _is_excused(instance.annotation):
            continue
        if _INIT in sections:
            if is_custom:
                continue
            late = late or next((call for call in slot.calls if is_late(call.location, view)), None)
            if late is not None and not _is_handed_over_at_init(instance, view):
                place = Evidence(f"called by {late.location.function}", late.location)
                yield _flaw(GONE_INIT, Status.FAIL, slot, put, instance, meant, _INIT, (place,))
        elif found := sections & _EXITS:
            if not re.search("MODULE|HOTPLUG", " ".join(view.conditions(put.location))):
                yield _flaw(GONE_EXIT, Status.FAIL, slot, put, instance, meant, min(found))
        elif not is_custom and plain >= _ENOUGH and len(sometimes) <= _FEW * len(noted) and slot.calls:
            what = Evidence(f"{plain} other tables have a plain function here", Location(slot.file, slot.line))
            yield _flaw(GONE_SOMETIMES, Status.WARN, slot, put, instance, meant, min(sections & _SOMETIMES), (what,))


def _sections(meant: Iterable[At[Function]]) -> set[str]:
    """The sections of a function that is discarded in every one of its definitions."""
    found: set[str] = set()
    for one in meant:
        own = {word for word in one.fact.annotation.split() if word == _INIT or word in _EXITS or word in _SOMETIMES}
        if not own:
            return set()
        found |= own
    return found


def _is_excused(annotation: str) -> bool:
    """Whether the variable is discarded too, or says that the reference is meant."""
    return re.search("init|exit|ref", annotation) is not None


def is_late(place: Location, view: View, depth: int = 0) -> bool:
    """Whether the function around a place surely may run after boot: it is not __init, nor only called by such."""
    if place.function is None:
        return False
    found = [one for one in view.functions(place.function, place.file) if one.file == place.file]
    if not found or any(_is_excused(one.fact.annotation) for one in found):
        return False
    if depth >= _DEEPEST:
        return False
    code = view.code(place.file)
    if not all(one.fact.private for one in found):
        return re.search(rf"EXPORT_SYMBOL\w*\s*\(\s*{re.escape(place.function)}\s*\)", code) is not None
    callers = [
        mention.location
        for mention in view.mentions(place.function, place.file)
        if not any(abs(mention.location.line - one.fact.line) <= 1 for one in found)
    ]
    return any(_is_late_caller(caller, view, depth) for caller in callers)


def _is_late_caller(place: Location, view: View, depth: int) -> bool:
    line = view.line(place)
    if re.match(r"\s*\.\w+\s*=|\s*\w+\s*:\s", line):
        return True  # it is in a table itself
    function = enclosing(place, view)
    return function is not None and is_late(Location(place.file, place.line, function), view, depth + 1)


def enclosing(place: Location, view: View) -> str | None:
    """The function around a line, by the layout of kernel code: a name and a list before the `{` in column one."""
    for back in range(400):
        line = view.line(place, back)
        if back and line.startswith("}"):
            return None
        if line.startswith("{"):
            head = " ".join(view.line(place, back + above) for above in range(6, 0, -1))
            names = re.findall(r"(\w+)\s*\([^;{}]*\)\s*(?:\w+\s*)*$", head)
            return str(names[-1]) if names else None
    return None


def _is_handed_over_at_init(instance: Instance, view: View) -> bool:
    """Whether the table is given to a function that is __init itself, and so takes what it needs at once."""
    pattern = rf"\b(\w+)\s*\(\s*&\s*{re.escape(instance.name)}\b"
    taken = set(re.findall(pattern, view.code(instance.location.file)))
    return any(
        "init" in one.fact.annotation for name in sorted(taken) for one in view.functions(name, instance.location.file)
    )


def _flaw(
    rule: Rule,
    status: Status,
    slot: GatheredSlot,
    put: Put,
    instance: Instance,
    meant: tuple[At[Function], ...],
    section: str,
    more: tuple[Evidence, ...] = (),
) -> Flaw:
    annotated = f"{instance.annotation} " if instance.annotation else ""
    return Flaw(
        rule=rule,
        status=status,
        type=slot.table.type,
        slot=slot.path,
        subject=put.value,
        location=put.location,
        message=f"{annotated}{instance.name}.{slot.path} is {put.value}, which is {section}",
        evidence=(
            *(Evidence(f"{one.fact.annotation} {one.fact.name}", Location(one.file, one.fact.line)) for one in meant),
            *more,
        ),
    )
