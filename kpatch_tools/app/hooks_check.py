"""Use case: is every hook table of a revision complete and sound?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.hooks_map import open_map
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Status
from kpatch_tools.core.source import is_below
from kpatch_tools.hooks.completeness.catalogue import ALL_RULES, judge_slots
from kpatch_tools.hooks.completeness.finding import Flaw, Rule
from kpatch_tools.hooks.completeness.gathering import gather_slots
from kpatch_tools.hooks.completeness.view import View
from kpatch_tools.hooks.index.query import Extent, TreeFacts
from kpatch_tools.hooks.survey.types import list_types
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class HooksCheckReport:
    """`judged`: how many slots were looked at; `doubtful`: of how many not all uses are known for certain.

    `extent`: what was read, and how much of that was not understood: nothing is found there.
    """

    revision: Revision
    rules: tuple[Rule, ...]
    types: int
    judged: int
    doubtful: int
    flaws: tuple[Flaw, ...]
    extent: Extent
    remark: str

    @property
    def exit(self) -> Exit:
        """A person is needed where something is wrong; what only misleads stops nobody."""
        return Exit.PERSON if any(flaw.status is Status.FAIL for flaw in self.flaws) else Exit.DONE


def hooks_check(
    tree: KernelTree,
    revision: str,
    *,
    tables: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
    scope: tuple[str, ...] = (),
    rules: tuple[str, ...] = (),
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> HooksCheckReport:
    """Judge the slots of the types of `tables` (variables) and of `types`; of all where neither is given.

    `scope`: only what is found below these folders is told; the whole tree is read all the same, since a caller or a
    default may be anywhere. `rules`: ids, all where empty. KpatchError: no-such-rule, no-such-table, and as `open_map`.
    """
    chosen = _rules(rules)
    known = open_map(tree, revision, cache_dir=cache_dir, progress=progress)
    slots = gather_slots(known.facts, types=_types(known.facts, tables, types, revision), progress=progress)
    view = View(known.facts, tree.at(known.revision))
    flaws = tuple(
        flaw
        for flaw in judge_slots(slots, view, rules=chosen, progress=progress)
        if is_below(flaw.location.file, tuple(folder.strip("/") for folder in scope))
    )
    return HooksCheckReport(
        revision=known.revision,
        rules=chosen,
        types=len({(slot.table.type, slot.file) for slot in slots}),
        judged=len(slots),
        doubtful=sum(slot.doubtful for slot in slots),
        flaws=flaws,
        extent=known.facts.extent(),
        remark=known.remark,
    )


def _rules(wanted: Iterable[str]) -> tuple[Rule, ...]:
    by_id = {rule.id: rule for rule in ALL_RULES}
    for one in wanted:
        if one not in by_id:
            raise KpatchError("no-such-rule", f"no rule is called {one}", hint=f"rules: {', '.join(by_id)}")
    return tuple(by_id[one] for one in dict.fromkeys(wanted)) or ALL_RULES


def _types(facts: TreeFacts, tables: tuple[str, ...], types: tuple[str, ...], revision: str) -> frozenset[str] | None:
    """The names of the types that were asked for; None for all."""
    if not tables and not types:
        return None
    listed = list_types(facts).tables
    found: set[str] = set()
    for wanted in tables:
        of_table = {one.type for one in listed if any(item.name == wanted for item in one.instances)}
        if not of_table:
            raise _unknown("table", wanted, revision)
        found |= of_table
    for wanted in types:
        of_type = {one.type for one in listed if wanted in (one.type, one.type.rpartition(" ")[2])}
        if not of_type:
            raise _unknown("type", wanted, revision)
        found |= of_type
    return frozenset(found)


def _unknown(what: str, name: str, revision: str) -> KpatchError:
    return KpatchError(
        "no-such-table", f"{revision} has no hook table of the {what} {name}", hint="kpt hooks --list names all"
    )
