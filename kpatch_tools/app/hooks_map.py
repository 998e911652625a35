"""Use case: the map of all hook tables of a revision: its types, one of them, one slot, what a function serves."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.hooks_kept import AnswerT, KeptAnswers
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.source import is_below
from kpatch_tools.hooks.index.facts import At, Function, Storage
from kpatch_tools.hooks.index.query import TreeFacts
from kpatch_tools.hooks.index.store import open_index
from kpatch_tools.hooks.survey.atlas import Put, Services, SlotStory, TableList, TypeReading
from kpatch_tools.hooks.survey.reading import read_slot, read_type
from kpatch_tools.hooks.survey.serving import services_of
from kpatch_tools.hooks.survey.types import list_types
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class HookMap:
    """What the C files of a revision say, below `scope` where it is not empty.

    `remark`: why the index is made anew or not kept; "" where all is well. `tree`: the revision's root tree.
    """

    revision: Revision
    scope: tuple[str, ...]
    facts: TreeFacts
    remark: str
    kept: KeptAnswers
    tree: ObjectId

    def answer(self, question: Sequence[str], kind: type[AnswerT], find: Callable[[], AnswerT]) -> AnswerT:
        """The answer to a question about this map: kept, or found now."""
        return self.kept.of((*question, self.tree, *self.scope), kind, find)


@dataclass(frozen=True, slots=True)
class Readings:
    """Types of one name."""

    readings: tuple[TypeReading, ...]


@dataclass(frozen=True, slots=True)
class SlotReport:
    """A slot's story. `definitions`: the functions that are put into it, as far as they are found, each once."""

    story: SlotStory
    definitions: tuple[At[Function], ...]


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """`definitions`: every function of that name; none where only something that was not understood may define it."""

    function: str
    services: Services
    definitions: tuple[At[Function], ...]


def open_map(
    tree: KernelTree,
    revision: str,
    *,
    scope: tuple[str, ...] = (),
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> HookMap:
    """Read what the index in `cache_dir` does not know yet: most of a minute for the first kernel.

    KpatchError: unknown-revision, not-a-kernel-tree, index-busy; empty-scope where no C file is below `scope`.
    """
    resolved = kernel_at(tree, revision)
    index = open_index(cache_dir / "hook-index" if cache_dir is not None else None)
    source = tree.at(resolved)
    facts = index.at(source, scope=scope, progress=progress)
    if not facts.paths:
        raise KpatchError(
            "empty-scope",
            f"{resolved.spelled} has no C file below {', '.join(scope)}",
            hint="a scope is a folder or file of the tree, such as arch/x86",
        )
    return HookMap(resolved, scope, facts, index.remark, KeptAnswers(cache_dir), source.tree)


def list_tables(known: HookMap) -> TableList:
    """Every type of hook tables."""
    return list_types(known.facts)


def has_variable(known: HookMap, name: str, below: tuple[str, ...]) -> bool:
    """Whether a file below `below` declares a global variable of that name, of a struct type or a pointer to one."""
    return any(
        item.fact.storage in (Storage.PUBLIC, Storage.EXTERN) and is_below(item.file, below)
        for item in known.facts.variables_named((name,))
    )


def read_tables(known: HookMap, name: str) -> tuple[TypeReading, ...]:
    """The types that `name` may mean: see `read_type`. KpatchError no-such-table, with names that look alike."""
    found = known.answer(("type", name), Readings, lambda: Readings(read_type(known.facts, name))).readings
    if found:
        return found
    near = _near(name, _names(list_tables(known)))
    raise KpatchError(
        "no-such-table",
        f"{known.revision.spelled} has no hook table {name}{_below(known.scope)}",
        hint=f"did you mean {' or '.join(near)}?" if near else "kpt hooks --list names the types and their variables",
    )


def tell_slot(known: HookMap, name: str) -> tuple[SlotReport, ...]:
    """The slot of each type that `name` may mean: see `read_slot`. KpatchError: no-such-table, no-such-slot."""
    stories = read_slot(known.facts, name)
    if stories:
        return tuple(_with_definitions(known.facts, story) for story in stories)
    head, _, path = name.partition(".")
    paths = list(dict.fromkeys(slot.slot.path for reading in read_tables(known, head) for slot in reading.slots))
    last = path.rpartition(".")[2]
    near = [one for one in paths if last and one.rpartition(".")[2] == last] or _near(path, paths)
    raise KpatchError(
        "no-such-slot",
        f"{known.revision.spelled} has no slot {name}{_below(known.scope)}",
        hint=f"did you mean {' or '.join(f'{head}.{one}' for one in near[:3])}?"
        if near
        else f"its slots: {', '.join(paths[:8])}{', …' if len(paths) > 8 else ''}",
    )


def serving(known: HookMap, function: str) -> FunctionReport:
    """KpatchError no-such-function where the name is nowhere: neither defined, nor put into a slot, nor not read."""
    services = services_of(known.facts, function)
    definitions = known.facts.functions((function,))
    if not definitions and not services.services and not services.unresolved and not services.unread:
        raise KpatchError(
            "no-such-function",
            f"{known.revision.spelled} has no function {function}{_below(known.scope)}",
            hint="spell it as C does; --scope FOLDER narrows what is looked at, without it all is",
        )
    return FunctionReport(function, services, definitions)


def _with_definitions(facts: TreeFacts, story: SlotStory) -> SlotReport:
    puts = (*story.slot.defaults, *story.slot.overrides)
    functions = facts.functions({put.value for put in puts})
    by_name: dict[str, list[At[Function]]] = {}
    for function in functions:
        by_name.setdefault(function.fact.name, []).append(function)
    found = (one for put in puts for one in _meant(put, by_name.get(put.value, ())))
    return SlotReport(story, tuple(dict.fromkeys(found)))


def _meant(put: Put, candidates: Iterable[At[Function]]) -> tuple[At[Function], ...]:
    """A function of the file itself, else any that other files can see; several where the build chooses."""
    own = tuple(one for one in candidates if one.file == put.location.file)
    return own or tuple(one for one in candidates if not one.fact.private or one.file.endswith(".h"))


def _names(found: TableList) -> list[str]:
    names: dict[str, None] = {}
    for table in found.tables:
        names[table.type] = None
        names.update(dict.fromkeys(instance.name for instance in table.instances if not instance.private))
    return list(names)


def _near(name: str, names: Iterable[str]) -> list[str]:
    """Names that look alike; a type is found without its keyword, too."""
    full = {one.rpartition(" ")[2]: one for one in names}
    plain = name.rpartition(" ")[2]
    return [full[one] for one in difflib.get_close_matches(plain, full, n=3, cutoff=0.75)]


def _below(scope: tuple[str, ...]) -> str:
    return f" below {', '.join(scope)}" if scope else ""
