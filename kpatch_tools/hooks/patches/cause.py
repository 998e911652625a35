"""Is the situation in a tree that the page-table hook is for? Read from the code's structure.

Three things make it: the buffer for page tables is looked for up to the end of the memory that is about to be mapped,
so it may lie in memory without a mapping; it has spare pages at its end; and Xen's hook on setting a PTE keeps pages
of it read-only. Where the search is bounded by what is mapped already, the pages' old mappings stay as they are, and
nothing is left read-only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, function_name, functions, name_of

from .installer import find_installer
from .protection import ReadOnlyUpTo, find_protection
from .reading import Files
from .shapes import arguments, assignments, callee, calls, names_in, unwrapped
from .site import BufferShape, SiteShape, enclosing_statement, find_buffer, find_caller, find_site, local_names
from .spec import HookSpec, load_hook

MAPPED_LIMITS = frozenset({"max_pfn_mapped", "max_low_pfn_mapped"})
"""The kernel's record of how far the direct mapping reaches by now, in pages."""


class CauseState(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    SUPERSEDED = "superseded"
    """There is no buffer any more: each page table is taken from memory that is mapped already."""
    UNDETERMINED = "undetermined"


class Placement(StrEnum):
    """Up to where the buffer is looked for."""

    MAPPED = "below what is mapped already"
    UNMAPPED = "up to the end of what is to be mapped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was read, and where."""

    statement: str
    where: Location


@dataclass(frozen=True, slots=True)
class Cause:
    """`reason` sums up. `read_only_up_to` is None where Xen keeps nothing of the buffer read-only on x86-64.

    `repairs`: functions, other than the hook's override, that make spare pages writable again.
    """

    state: CauseState
    reason: str
    placement: Placement
    read_only_up_to: ReadOnlyUpTo | None
    repairs: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]


def probe_cause(source: BlobSource, spec: HookSpec | None = None) -> Cause:
    """Whether the situation that `spec` (the page-table hook, if not given) is for exists in `source`."""
    files, spec = Files(source), spec if spec is not None else load_hook("pagetable_reserve")
    caller = find_caller(files, spec)
    if caller is not None and caller[1].has_error:
        return _not_understood(files, *caller)
    site = find_site(files, spec)
    if site is None:
        return _without_site(files, spec)
    buffer = find_buffer(files, site)
    if buffer is None:
        where = files.location(site.path, site.branch)
        evidence = (Evidence(f"{site.start} to {site.end} is reserved, but nothing was found that sets them", where),)
        return _cause(CauseState.UNDETERMINED, "how the buffer is set up is not understood", evidence=evidence)
    if buffer.finder.has_error:
        return _not_understood(files, buffer.path, buffer.finder)
    placement, where_to = _placement(files, buffer, site)
    kept = find_protection(files, spec, site, buffer)
    state, reason = _judge(placement, kept is not None)
    repairs = _repairs(files, spec, buffer)
    if kept is None:
        return Cause(state, reason, placement, None, repairs, (where_to,))
    protects = Evidence(
        f"{kept.where.function}() keeps pages from {site.start} below {kept.limit} read-only", kept.where
    )
    return Cause(state, reason, placement, kept.up_to, repairs, (where_to, protects))


def _judge(placement: Placement, protects: bool) -> tuple[CauseState, str]:
    match placement:
        case Placement.MAPPED:
            return CauseState.ABSENT, "early page tables are placed in memory that is mapped already"
        case Placement.UNMAPPED if protects:
            reason = "early page tables may lie in memory that is not mapped yet, and Xen keeps their pages read-only"
            return CauseState.PRESENT, reason
        case Placement.UNMAPPED:
            reason = (
                "early page tables may lie in memory that is not mapped yet, but nothing keeps their pages read-only"
            )
            return CauseState.UNDETERMINED, reason
        case Placement.UNKNOWN:
            return CauseState.UNDETERMINED, "where early page tables are placed is not understood"


def _cause(state: CauseState, reason: str, *, evidence: tuple[Evidence, ...] = ()) -> Cause:
    return Cause(state, reason, Placement.UNKNOWN, None, (), evidence)


def _not_understood(files: Files, path: RepoPath, function: Node) -> Cause:
    where = files.location(path, function)
    reason = f"{where.function}() is not understood as C in every line"
    return _cause(CauseState.UNDETERMINED, reason, evidence=(Evidence(reason, where),))


def _without_site(files: Files, spec: HookSpec) -> Cause:
    """No buffer is reserved: superseded only if it is shown how page tables are taken instead."""
    caller = find_caller(files, spec)
    if caller is None:
        return _cause(CauseState.UNDETERMINED, f"the tree has no function {spec.call_function}()")
    none = Evidence(f"{spec.call_function}() reserves no buffer when it is done", files.location(*caller))
    found = _takes_mapped_pages(files, caller[0])
    if found is None:
        reason = f"{spec.call_function}() reserves no buffer, and where page tables come from is not understood"
        return _cause(CauseState.UNDETERMINED, reason, evidence=(none,))
    reason = "page tables are taken from memory that is mapped already, and reserved as they are taken"
    return Cause(CauseState.SUPERSEDED, reason, Placement.MAPPED, None, (), (none, found))


def _takes_mapped_pages(files: Files, path: RepoPath) -> Evidence | None:
    """A function that searches below what is mapped and reserves what it got, itself or by calling an allocator.

    `memblock_find_in_range()` only looks; `memblock_phys_alloc_range()`, which later kernels call (6.1 does), also
    reserves what it finds.
    """
    for function in functions(files.known(path)):
        for one in assignments(function):
            call = unwrapped(one.right)
            if one.left.type != "identifier" or call.type != "call_expression":
                continue
            limit = next((arg for arg in arguments(call) if MAPPED_LIMITS & set(names_in(arg))), None)
            if limit is None or not files.compiled(path, call):
                continue
            if "alloc" in (callee(call) or "").split("_"):
                text = f"{function_name(function)}() takes pages below {_text(limit)} from {callee(call)}()"
                return Evidence(text, files.location(path, call))
            got = name_of(one.left)
            for other in calls(function):
                given = arguments(other)
                if other.start_byte > call.end_byte and given and unwrapped(given[0]).text == got.encode():
                    taker, keeper = function_name(function), callee(other)
                    text = f"{taker}() looks below {_text(limit)} and hands what it got to {keeper}()"
                    return Evidence(text, files.location(path, call))
    return None


def _placement(files: Files, buffer: BufferShape, site: SiteShape) -> tuple[Placement, Evidence]:
    """The upper bound of the search whose result becomes the buffer's start."""
    search = _search(files, buffer, site)
    if search is None:
        where = files.location(buffer.path, buffer.finder)
        return Placement.UNKNOWN, Evidence(f"no search for the memory that {site.start} is set to", where)
    bound = arguments(search)[1]
    values = tuple(_values(files, buffer, bound, search.start_byte))
    found = {_place_of(value, buffer.finder) for value in values}
    placement = found.pop() if len(found) == 1 else Placement.UNKNOWN
    text = f"{callee(search)}() looks for the buffer up to {_text(bound)}"
    if (shown := " or ".join(dict.fromkeys(_text(value) for value in values))) != _text(bound):
        text += f", which is {shown}"
    told_by = values[0] if len(values) == 1 and values[0] != bound else search
    return placement, Evidence(f"{text}: {placement}", files.location(buffer.path, told_by))


def _search(files: Files, buffer: BufferShape, site: SiteShape) -> Node | None:
    """The call with a range, whose result reaches the buffer's start, directly or through one local variable."""
    wanted = {site.start}
    for one in reversed(tuple(assignments(buffer.finder))):
        if (
            one.left.type != "identifier"
            or name_of(one.left) not in wanted
            or not files.compiled(buffer.path, one.node)
        ):
            continue
        value = unwrapped(one.right)
        if value.type == "call_expression" and len(arguments(value)) >= 3:
            return value
        wanted.update(names_in(value))
    return None


def _values(files: Files, buffer: BufferShape, bound: Node, before: int, depth: int = 3) -> Iterator[Node]:
    """What the expression `bound` may stand for at offset `before`: a local variable's possible values, else itself."""
    bound = unwrapped(bound)
    local = local_names(buffer.finder) - _parameters(buffer.finder)
    if bound.type != "identifier" or name_of(bound) not in local or not depth:
        yield bound
        return
    possible: list[Node] = []
    for one in assignments(buffer.finder):
        if one.left.type != "identifier" or name_of(one.left) != name_of(bound) or one.node.end_byte > before:
            continue
        if not files.compiled(buffer.path, one.node):
            continue
        if _always_runs(one.node, buffer.finder) and files.conditions(buffer.path).certain(one.node.start_byte):
            possible.clear()
        possible.append(one.right)
    for value in possible or [bound]:
        yield from _values(files, buffer, value, value.start_byte, depth - 1) if value != bound else (value,)


def _place_of(value: Node, finder: Node) -> Placement:
    names = set(names_in(value))
    if names & MAPPED_LIMITS:
        return Placement.MAPPED
    # A parameter of the finder, or what is reached from one, tells of the memory that is going to be mapped.
    return Placement.UNMAPPED if names & _parameters(finder) else Placement.UNKNOWN


def _parameters(function: Node) -> frozenset[str]:
    declarator = function.child_by_field_name("declarator")
    return local_names(declarator) if declarator is not None else frozenset()


def _always_runs(node: Node, function: Node) -> bool:
    """Whether a statement stands directly in the function's body, up to preprocessor conditionals."""
    statement = enclosing_statement(node)
    parent = statement.parent
    while parent is not None and parent.type.startswith("preproc_"):
        parent = parent.parent
    return parent is not None and parent.parent == function


def _repairs(files: Files, spec: HookSpec, buffer: BufferShape) -> tuple[Evidence, ...]:
    found = find_installer(files, spec)
    if found is None:
        return ()
    path = found[0]
    return tuple(
        Evidence(f"{name}() makes spare pages of the buffer writable", files.location(path, function))
        for function in functions(files.known(path))
        if (name := function_name(function)) != spec.override
        and files.compiled(path, function)
        and any(calls(function, spec.acts_through))
        and buffer.top in names_in(function)
    )


def _text(node: Node) -> str:
    return " ".join((node.text or b"").decode("utf-8", "surrogateescape").split())
