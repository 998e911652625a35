"""Use case: break the code of a hook, one mistake at a time, and see whether the model notices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location, Span
from kpatch_tools.hooks import HookSpec, find_hook_tables, load_hook
from kpatch_tools.model import Layout, ModelRun, Verdict, parse_layout
from kpatch_tools.model.boot.unit import boot_files
from kpatch_tools.model.mutants import Fate, MutantOutcome, Place, derive_mutants, run_mutants
from kpatch_tools.model.native.platforms import NATIVE_1G, NATIVE_4K, NATIVE_PLATFORM
from kpatch_tools.model.run import boot_each
from kpatch_tools.model.scaled import SCALED
from kpatch_tools.model.sweep import scaled_layouts
from kpatch_tools.syntax import Node, ParsedFile, descend, find_function, line_of, parse_c
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree, Revision

BOUND = 1
"""The layouts of the scaled machine that mutants are booted on: see kpt model sweep."""
_STRIDE = 37
"""Layouts are enumerated with the smallest differences last: every so many, they differ in all respects."""
_TAIL = (parse_layout("255M"),)
"""All page tables lie in the tail of memory that no table of its own fills, which the scaled machine has too few of."""
_BARE = (parse_layout("1200M,hole=1180M+18M"),)
"""Memory for which native tables of both page sizes are needed."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MutantsReport:
    """`places` is the code that was mutated; `outcomes` in its order."""

    revision: Revision
    places: tuple[Location, ...]
    layouts: tuple[str, ...]
    outcomes: tuple[MutantOutcome, ...]

    def count(self, fate: Fate) -> int:
        return sum(one.fate is fate for one in self.outcomes)

    @property
    def exit(self) -> Exit:
        """PERSON where mutants live on that no boot tells from the tree, UNDETERMINED where one cannot be executed."""
        if self.count(Fate.EQUIVALENT):
            return Exit.PERSON
        return Exit.UNDETERMINED if self.count(Fate.UNDETERMINED) else Exit.DONE


def mutate_hook(
    tree: KernelTree,
    revision: str,
    layouts: tuple[Layout, ...] = (),
    *,
    hook: str = "pagetable_reserve",
    functions: tuple[str, ...] = (),
    jobs: int = 2,
    progress: Progress,
) -> MutantsReport:
    """Derive the mutants of `hook`'s code at `revision`, or of `functions` where given, and boot each on `layouts`.

    Without any, on all layouts that the scaled machine has up to `BOUND`, and on real machines with and without Xen.

    Raises KpatchError "unknown-revision"; "no-such-function", "hook-absent" where there is nothing to mutate; and
    "revision-faults" where the unchanged tree is not OK, so that nothing could be told.
    """
    target = kernel_at(tree, revision)
    source = tree.at(target)
    places = _places_of_functions(source, functions) if functions else _places_of_hook(source, load_hook(hook))
    mutants = derive_mutants(source, [Place(one.file, span) for one, span in places])
    lines = LineCache()

    def boots(changed: BlobSource) -> Iterator[ModelRun]:
        if layouts:
            return boot_each(changed, layouts, cache=lines)
        return _boot_everywhere(changed, lines)

    progress("booting the unchanged tree")
    names: list[str] = []
    for run in boots(source):
        names.append(f"{run.layout.name} ({run.machine}, {run.platform})")
        if run.verdict is not Verdict.OK:
            raise KpatchError(
                "revision-faults",
                f"{target.spelled} unchanged is {run.verdict} on {run.layout.name}: its mutants would tell nothing",
                hint=f"choose layouts that are OK with --layout; see kpt model --rev {target.spelled}",
            )

    def report(outcome: MutantOutcome, done: int) -> None:
        progress(f"{done} of {len(mutants)}: {outcome.fate}, {outcome.mutant}")

    outcomes = run_mutants(source, mutants, boots, jobs=jobs, progress=report)
    return MutantsReport(target, tuple(one for one, _ in places), tuple(names), outcomes)


def _boot_everywhere(source: BlobSource, lines: LineCache) -> Iterator[ModelRun]:
    """Small machines first: what they notice need not be looked for on others."""
    yield from boot_each(source, _scaled(), cache=lines, machine=SCALED)
    yield from boot_each(source, _TAIL, cache=lines)
    for platform in (NATIVE_PLATFORM, NATIVE_1G, NATIVE_4K):
        yield from boot_each(source, _BARE, cache=lines, platform=platform)


@cache
def _scaled() -> tuple[Layout, ...]:
    """The scaled layouts with the usual image, those most unlike each other early."""
    layouts = [layout for layout in scaled_layouts(BOUND) if layout.image_end is None]
    return tuple(layouts[at] for first in range(_STRIDE) for at in range(first, len(layouts), _STRIDE))


def _places_of_functions(source: BlobSource, names: tuple[str, ...]) -> tuple[tuple[Location, Span], ...]:
    """The definitions of `names` in the files that boot."""
    found: dict[str, tuple[Location, Span]] = {}
    for path in boot_files(source):
        data = source.read(path) or b""
        wanted = [name for name in names if name not in found and name.encode() in data]
        parsed = parse_c(data) if wanted else None
        for name in wanted:
            node = find_function(parsed, name) if parsed is not None else None
            if node is not None:
                found[name] = _place(path, node, name)
    missing = [name for name in names if name not in found]
    if missing:
        raise KpatchError(
            "no-such-function",
            f"no file that the model boots defines {', '.join(missing)}",
            hint="name functions of the early page-table code, such as init_memory_mapping",
        )
    return tuple(found[name] for name in names)


def _places_of_hook(source: BlobSource, spec: HookSpec) -> tuple[tuple[Location, Span], ...]:
    """The hook's code: what fills its slot, the statements that assign it, and those that call through it."""
    atlas = find_hook_tables(source, table=spec.table)
    slot = atlas.tables[0].slot(spec.path.partition(".")[2]) if atlas.tables else None
    if slot is None:
        raise KpatchError("hook-absent", f"this revision has no {spec.path}", hint="choose one that has, or --function")
    references = (*slot.defaults, *slot.overrides)
    files = dict.fromkeys([*(one.location.file for one in references), *(one.file for one in slot.call_sites)])
    parsed = {path: parse_c(source.read(path) or b"") for path in files}
    places: dict[Span, tuple[Location, Span]] = {}
    for name in dict.fromkeys(one.function for one in references):
        for path, file in parsed.items():
            if (node := find_function(file, name)) is not None:
                location, span = _place(path, node, name)
                places[span] = (location, span)
    for at in (*(one.location for one in references), *slot.call_sites):
        node = _statement_at(parsed[at.file], at.line, spec.slot)
        if node is not None:
            location, span = _place(at.file, node, at.function)
            places[span] = (location, span)
    return tuple(places.values())


_WHOLE = ("expression_statement", "initializer_pair")


def _statement_at(file: ParsedFile, line: int, slot: str) -> Node | None:
    """The statement (or initialiser entry) of `line` that names `slot`, with an `if` that it is the whole body of."""
    for node in descend(file.root):
        if node.type not in _WHOLE or not node.start_point.row < line <= node.end_point.row + 1:
            continue
        if slot.encode() not in (node.text or b"") or _has_nested(node):
            continue
        parent = node.parent
        return parent if parent is not None and parent.type == "if_statement" else node
    return None


def _has_nested(node: Node) -> bool:
    """Whether an entry of its own stands inside: the sub-table's entry is not the slot's."""
    return any(one.type == "initializer_pair" for one in descend(node) if one != node)


def _place(path: RepoPath, node: Node, function: str | None) -> tuple[Location, Span]:
    return Location(path, line_of(node), function), Span(node.start_byte, node.end_byte)
