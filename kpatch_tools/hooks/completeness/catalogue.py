"""Every rule, and all of them over the tables of a revision."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.index.query import TreeFacts

from .finding import Flaw, Rule
from .gathering import GatheredSlot, gather_slots
from .mismatch import MISMATCH, find_mismatches
from .racing import RACING, find_racing
from .sections import GONE_EXIT, GONE_INIT, GONE_SOMETIMES, find_gone
from .unfilled import NEVER_FILLED, find_never_filled, may_be_never_filled
from .unreached import DEAD_INSTALLER, NEVER_CALLED, find_dead_installers, find_never_called, may_be_never_called
from .view import View

ALL_RULES: Final[tuple[Rule, ...]] = (
    NEVER_FILLED,
    MISMATCH,
    GONE_INIT,
    GONE_EXIT,
    GONE_SOMETIMES,
    DEAD_INSTALLER,
    NEVER_CALLED,
    RACING,
)
_BY_SLOT: Final[tuple[tuple[frozenset[Rule], Callable[[GatheredSlot, View], Iterator[Flaw]]], ...]] = (
    (frozenset({NEVER_FILLED}), find_never_filled),
    (frozenset({MISMATCH}), find_mismatches),
    (frozenset({GONE_INIT, GONE_EXIT, GONE_SOMETIMES}), find_gone),
    (frozenset({NEVER_CALLED}), find_never_called),
    (frozenset({RACING}), find_racing),
)


def check_tables(
    facts: TreeFacts,
    source: BlobSource,
    *,
    rules: Iterable[Rule] = ALL_RULES,
    types: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Flaw, ...]:
    """What `rules` say about the slots of `facts`, which are those of `source`; rule by rule, in tree order.

    The facts must be of the whole tree: what lies outside of them is taken not to exist. `types`: only those so called.
    """
    slots = gather_slots(facts, types=types, progress=progress)
    return tuple(judge_slots(slots, View(facts, source), rules=rules, progress=progress))


def judge_slots(
    slots: tuple[GatheredSlot, ...],
    view: View,
    *,
    rules: Iterable[Rule] = ALL_RULES,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Flaw]:
    """What `rules` say about the slots that were gathered."""
    wanted = frozenset(rules)
    puts = [put for slot in slots for put in (*slot.defaults, *slot.overrides)]
    names = {put.value for put in puts if put.value.isidentifier()}
    names |= {put.location.function for put in puts if put.location.function is not None}
    names |= {call.location.function for slot in slots for call in slot.calls if call.location.function is not None}
    progress("functions and names")
    view.fetch(names)
    view.fetch_members({slot.name for slot in slots})
    view.fetch_words(
        word
        for slot in slots
        for word in (slot.name, slot.tag)
        if (NEVER_FILLED in wanted and may_be_never_filled(slot, view))
        or (NEVER_CALLED in wanted and may_be_never_called(slot, view))
    )
    for about, find in _BY_SLOT:
        if not about & wanted:
            continue
        progress(" ".join(sorted(rule.id for rule in about)))
        for slot in slots:
            yield from (flaw for flaw in find(slot, view) if flaw.rule in wanted)
    if DEAD_INSTALLER in wanted:
        progress(DEAD_INSTALLER.id)
        yield from find_dead_installers(slots, view)
