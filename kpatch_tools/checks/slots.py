"""Which hook tables and slots a change concerns: what the slot checks share."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.checks.check import Change
from kpatch_tools.checks.lines import Edit, kernel_edits, parse
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import HookTable, Reference, Slot, find_hook_tables
from kpatch_tools.hooks.tables.search import search_source
from kpatch_tools.syntax import (
    declarations,
    declared_name,
    descend,
    enclosing_function,
    line_of,
    name_of,
    structs,
)
from kpatch_tools.syntax.symbols import declared_names, identifiers, spans_of_lines

MOST_TABLES = 8
"""A change that names more candidates than this is no hook patch; the first ones are looked at."""

NO_NEW_SLOT = "the patch adds no slot to a hook table"

NEAR_SCOPE = ("arch/x86",)
FAR_SCOPE = ("arch/x86", "drivers", "include", "init", "kernel", "lib", "mm")

_ROOT = re.compile(rb"(?<![\w.>])([A-Za-z_]\w*)[ \t\n]*\.[ \t\n]*[A-Za-z_]\w*[ \t\n]*\.")
_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include\b[^\n]*", re.MULTILINE)
_EXTERN = re.compile(rb"^[ \t]*extern[ \t]+struct[ \t]+(\w+)[ \t]+(\w+)[ \t]*;", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A table's member chain written in a changed line: `path` without the table, "mapping.pagetable_reserve"."""

    table: str
    path: str
    location: Location


@dataclass(frozen=True, slots=True)
class SlotSurvey:
    """The tables a change concerns, in the tree after it.

    `known` are the slot paths each table had before; `edits` the change's C files.
    """

    tables: tuple[HookTable, ...]
    known: dict[str, frozenset[str]]
    edits: tuple[Edit, ...]

    def new_slots(self) -> Iterator[tuple[HookTable, Slot]]:
        """Slots the change adds."""
        for table in self.tables:
            for slot in table.slots:
                if slot.path not in self.known.get(table.name, frozenset()):
                    yield table, slot

    def new_references(self) -> Iterator[tuple[HookTable, Slot, Reference]]:
        """Defaults and overrides written in changed lines, and the defaults of slots whose declaration changed."""
        for table in self.tables:
            for slot in table.slots:
                declared_anew = self.is_changed(slot.location)
                for reference in (*slot.defaults, *slot.overrides):
                    if declared_anew or self.is_changed(reference.location):
                        yield table, slot, reference

    def is_changed(self, location: Location) -> bool:
        """Whether the change wrote the line at `location`."""
        return any(edit.path == location.file and location.line in edit.added for edit in self.edits)

    def mentions(self) -> Iterator[Mention]:
        """Every member chain on a table in the changed lines, comments and strings excluded."""
        for table in self.tables:
            chain = re.compile(
                rb"(?<![\w.>])" + table.name.encode() + rb"((?:[ \t\n]*\.[ \t\n]*[A-Za-z_]\w*)+)",
            )
            for edit in self.edits:
                code = _code(edit)
                for match in chain.finditer(code):
                    path = re.sub(rb"\s+", b"", match.group(1)).decode("ascii")[1:]
                    line = code.count(b"\n", 0, match.start()) + 1
                    yield Mention(table.name, path, Location(edit.path, line))


def named_new_slots(change: Change) -> tuple[tuple[HookTable, Slot, str], ...]:
    """The slots that the change adds, each with its table and its name for people, "x86_init.mapping.reserve"."""
    return tuple((table, slot, f"{table.name}.{slot.path}") for table, slot in survey_slots(change).new_slots())


@lru_cache(maxsize=2)
def survey_slots(change: Change) -> SlotSurvey:
    """Find the tables that the change's own lines name, define or declare.

    Five checks ask this of the same change, one after the other.
    """
    changed = kernel_edits(change)
    tables: list[HookTable] = []
    known: dict[str, frozenset[str]] = {}
    # Drivers are most of a kernel: those that the change does not touch are searched only for calls that are missed.
    folders = sorted({posixpath.dirname(edit.path) for edit in changed} - {""})
    scope = tuple(dict.fromkeys((*NEAR_SCOPE, *folders)))
    for name in _candidates(changed)[:MOST_TABLES]:
        for table in find_hook_tables(change.after, table=name, scope=scope).tables:
            tables.append(table)
            # What the table had before stands in its header; no need to look for users again.
            headers = (posixpath.dirname(table.struct.file), posixpath.dirname(table.file))
            before = find_hook_tables(change.before, table=name, scope=headers).tables
            known[name] = frozenset(slot.path for old in before for slot in old.slots)
    return SlotSurvey(tuple(tables), known, changed)


def has_member(source: BlobSource, table: HookTable, path: str) -> bool:
    """Whether `path` names a slot, a sub-table, or a member of the kind that is no function pointer."""
    if any(slot.path == path or slot.path.startswith(path + ".") for slot in table.slots):
        return True
    data = source.read(table.struct.file) or b""
    parent, _, member = path.rpartition(".")
    inside = not parent or any(slot.path.startswith(parent + ".") for slot in table.slots)
    return inside and re.search(rb"\b" + member.encode() + rb"\s*(?:\[[^\]]*\]\s*)?;", data) is not None


@lru_cache(maxsize=8)
def find_member_call(change: Change, member: str) -> Location | None:
    """Some call of a member called `member`, whatever it is a member of: through a pointer to a table, say."""
    # A cheap look first: most files that hold the word call nothing by that name.
    call = re.compile(rb"(?:\.|->)\s*" + member.encode() + rb"\s*\)?\s*\(")
    for path, data in search_source(change.after, member, FAR_SCOPE).hits:
        if call.search(data) is None:
            continue
        for node in descend(parse(data).root):
            function = node.child_by_field_name("function") if node.type == "call_expression" else None
            while function is not None and function.type in ("parenthesized_expression", "pointer_expression"):
                function = next(iter(function.named_children), None)
            field = function.child_by_field_name("field") if function is not None else None
            if field is not None and name_of(field) == member:
                return Location(path, line_of(node), enclosing_function(node))
    return None


def _code(edit: Edit) -> bytes:
    """The changed lines without `#include`s, which name a table's header as if it were a member: <asm/x86_init.h>."""
    return _INCLUDE.sub(lambda match: b" " * len(match.group()), edit.added_code)


def _candidates(changed: tuple[Edit, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for edit in changed:
        if edit.after is None or not edit.added:
            continue
        roots = {match.group(1).decode("ascii") for match in _ROOT.finditer(_code(edit))}
        defined = _defined_in_changed_lines(edit)
        if roots:
            roots -= declared_names(parse(edit.after)) - defined
        found.update(dict.fromkeys(sorted(roots) + sorted(defined) + sorted(_declared_with_changed_type(edit))))
    return tuple(found)


def _defined_in_changed_lines(edit: Edit) -> set[str]:
    """Global variables with an initialiser that overlaps the changed lines."""
    if edit.after is None or not edit.path.endswith(".c"):
        return set()
    parsed = parse(edit.after)
    lines = spans_of_lines(edit.after, edit.added)
    names = set()
    for declaration in declarations(parsed):
        if not any(line.start < declaration.end_byte and declaration.start_byte < line.end for line in lines):
            continue
        if parsed.text(declaration).startswith(b"static"):
            continue
        for declarator in declaration.children_by_field_name("declarator"):
            value = declarator.child_by_field_name("value")
            if value is not None and value.type == "initializer_list" and (name := declared_name(declarator)):
                names.add(name_of(name))
    return names


def _declared_with_changed_type(edit: Edit) -> set[str]:
    """Variables a header declares whose struct, or a struct inside it, the change rewrites."""
    if edit.after is None or not edit.path.endswith(".h"):
        return set()
    externs = {variable.decode("ascii"): tag.decode("ascii") for tag, variable in _EXTERN.findall(edit.after)}
    if not externs:
        return set()
    parsed = parse(edit.after)
    lines = spans_of_lines(edit.after, edit.added)
    inner: dict[str, set[str]] = {}
    changed: set[str] = set()
    for node in structs(parsed):
        if (name := node.child_by_field_name("name")) is None:
            continue
        tag = name_of(name)
        inner[tag] = set(identifiers(parsed.text(node)))
        if any(line.start < node.end_byte and node.start_byte < line.end for line in lines):
            changed.add(tag)
    # A struct that holds a changed one is changed itself; headers nest a few levels at most.
    for _ in inner:
        changed |= {tag for tag, words in inner.items() if words & changed}
    return {variable for variable, tag in externs.items() if tag in changed}
