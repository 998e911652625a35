"""Overrides that can have no effect."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Function
from kpatch_tools.hooks.survey.atlas import Put

from .finding import Evidence, Flaw, Rule
from .gathering import GatheredSlot
from .unfilled import is_filling
from .view import Mention, View

DEAD_INSTALLER = Rule(
    id="installer-never-runs",
    title="a slot is filled by a function that nothing calls",
    why="The function's name stands nowhere else: no caller, no table, no initcall. What it installs is never used.",
    example="static void my_setup(void) { machine_ops.restart = my_restart; }  /* and no mention of my_setup */",
)
NEVER_CALLED = Rule(
    id="never-called",
    title="a slot is filled, and nothing calls it",
    why=(
        "No code calls, tests or copies the member: what tables put there never runs. Either a call was lost, or the "
        "slot is left over."
    ),
    example="struct ops { int (*open)(void); int (*old)(void); };\n"
    "static struct ops my_ops = { .open = my_open, .old = my_old };  /* and nobody calls ->old */",
)


def find_dead_installers(slots: Iterable[GatheredSlot], view: View) -> Iterator[Flaw]:
    """One statement for each function: the first slot that it fills, and the others as evidence."""
    by_function: dict[tuple[RepoPath, str], list[tuple[GatheredSlot, Put]]] = defaultdict(list)
    for slot in slots:
        for put in slot.overrides:
            if put.location.function is not None and put.location.file.endswith(".c") and _is_function(put, view):
                by_function[put.location.file, put.location.function].append((slot, put))
    unused = []
    for (file, name), puts in by_function.items():
        own = [one for one in view.functions(name, file) if one.file == file]
        if len(own) == 1 and not _is_used_beside(own[0], view):
            unused.append((own[0], puts))
    view.fetch_words(function.fact.name for function, _ in unused)
    for function, puts in unused:
        if _is_used_elsewhere(function, view):
            continue
        name = function.fact.name
        slot, put = puts[0]
        yield Flaw(
            rule=DEAD_INSTALLER,
            status=Status.WARN,
            type=slot.table.type,
            slot=slot.path,
            subject=put.value,
            location=put.location,
            message=f"{name} puts {put.value} into {slot.table.type}.{slot.path}, and nothing calls {name}",
            evidence=tuple(Evidence(f"and {one.value} into {other.path}", one.location) for other, one in puts[1:]),
        )


def _is_function(put: Put, view: View) -> bool:
    return put.value.isidentifier() and bool(view.functions(put.value, put.location.file))


def _is_used_beside(function: At[Function], view: View) -> bool:
    """Whether its own file has the name anywhere but in its definition and in prototypes, or may build it."""
    name = function.fact.name
    return any(_is_use(one) for one in view.mentions(name, function.file)) or _may_be_pasted(function, view)


def _is_used_elsewhere(function: At[Function], view: View) -> bool:
    """A static function is used beside its file only: by a .c file or a header that takes part in one translation."""
    name = function.fact.name
    folder = posixpath.dirname(function.file)
    mentions = (
        one
        for one in view.all_mentions(name)
        if not function.fact.private or posixpath.dirname(one.location.file) == folder
    )
    return any(_is_use(one) for one in mentions) or view.stands_elsewhere(name)


def _is_use(one: Mention) -> bool:
    """Anything but a definition's or prototype's head: a list, then `{` or `;`, and a type before."""
    head = re.match(r"\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:__\w+\s*)*[{;]", one.after)
    typed = re.search(r"(?:^|[;}\n])\s*(?:[A-Za-z_]\w*[\s*]+)+\Z", one.before)
    returned = re.search(r"\b(?:return|else|do|goto|case)\s+\Z", one.before)
    return head is None or typed is None or returned is not None


def _may_be_pasted(function: At[Function], view: View) -> bool:
    """Whether a macro may build the name: a part of it, up to an underscore, is passed to something as a word."""
    parts = function.fact.name.split("_")
    pieces = {"_".join(parts[:cut]) for cut in range(1, len(parts))}
    pieces |= {"_".join(parts[cut:]) for cut in range(1, len(parts))}
    return any(len(piece) > 2 and piece in view.macro_arguments(function.file) for piece in pieces)


def may_be_never_called(slot: GatheredSlot, view: View) -> bool:
    """What the facts say of it; slots with a doubtful use are not judged."""
    return bool(_puts(slot)) and not (slot.calls or slot.doubtful or view.is_called(slot.name))


def _puts(slot: GatheredSlot) -> list[Put]:
    return [put for put in (*slot.defaults, *slot.overrides) if put.value != "NULL"]


def find_never_called(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """Judged by the member's name: where any type's member of that name is called or read, nothing is said."""
    if not may_be_never_called(slot, view) or view.stands_elsewhere(slot.name):
        return
    if not all(is_filling(one) or _is_declaration(one) for one in view.all_mentions(slot.name)):
        return
    if view.may_be_pasted(slot.name, slot.tag, slot.files):
        return
    puts = _puts(slot)
    yield Flaw(
        rule=NEVER_CALLED,
        status=Status.WARN,
        type=slot.table.type,
        slot=slot.path,
        subject="",
        location=Location(slot.file, slot.line),
        message=f"{slot.table.type}.{slot.path} is filled {len(puts)} times and never called",
        evidence=tuple(
            Evidence(f"{put.variable or put.location.function} has {put.value}", put.location) for put in puts
        ),
    )


def _is_declaration(one: Mention) -> bool:
    pointer = re.search(r"\(\s*\*\s*\Z", one.before) is not None and re.match(r"\s*(?:\[\w*\])?\)\s*\(", one.after)
    return bool(pointer) or (
        re.search(r"[\w*]\s+\**\Z", one.before) is not None and re.match(r"\s*;", one.after) is not None
    )
