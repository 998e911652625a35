"""The members of a table's struct: slots, sub-tables and the rest."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, ParsedFile, declared_name, find_struct, line_of, name_of, parse_c

from .search import included_files, search_source

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_UNTYPED = re.compile(r"(?:const )?void \*\w+")
_RECORDS = ("struct_specifier", "union_specifier")


class MemberKind(Enum):
    """What a path below a table leads to."""

    SLOT = auto()
    """A function pointer."""
    SUBTABLE = auto()
    """A nested struct."""
    DATA = auto()
    """Anything else."""


@dataclass(frozen=True, slots=True)
class Member:
    """One path below a table. `tag` is the struct tag of a sub-table, "" if it has none."""

    kind: MemberKind
    signature: str
    location: Location
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """All paths of a table's struct in order of declaration; "" is the table itself."""

    members: Mapping[str, Member]
    unresolved: tuple[str, ...] = ()
    """Tags of nested structs whose definition was not found."""
    wrapped: Mapping[str, str] = field(default_factory=dict)
    """Slots that are structs around a pointer to code, and how the pointer in them is called."""

    def slot_of(self, path: str) -> str:
        """`path`, or the slot that it leads into: the pointer inside a wrapped slot is the slot."""
        outer, _, member = path.rpartition(".")
        return outer if self.wrapped.get(outer) == member else path

    def wrappers(self) -> Mapping[str, str]:
        """Sub-tables that are structs of nothing but one untyped pointer, and the pointer's name."""
        found: dict[str, str] = {}
        for path, member in self.members.items():
            inside = self.children(path) if path and member.kind is MemberKind.SUBTABLE else ()
            if len(inside) == 1 and _UNTYPED.fullmatch(self.members[inside[0]].signature):
                found[path] = inside[0].rpartition(".")[2]
        return found

    def with_wrapped(self, wrapped: Mapping[str, str]) -> "Shape":
        """The shape in which the sub-tables `wrapped` are slots."""
        inner = {f"{path}.{member}" for path, member in wrapped.items()}
        members = {
            path: replace(member, kind=MemberKind.SLOT) if path in wrapped else member
            for path, member in self.members.items()
            if path not in inner
        }
        return replace(self, members=members, wrapped=wrapped)

    def kind(self, path: str) -> MemberKind | None:
        """None for a path that the struct does not have; below data everything is data."""
        member = self.members.get(path)
        if member is not None:
            return member.kind
        while "." in path:
            path = path.rpartition(".")[0]
            above = self.members.get(path)
            if above is not None:
                return MemberKind.DATA if above.kind is MemberKind.DATA else None
        return None

    def why_unknown(self, path: str) -> str:
        """Why `kind` has no answer for `path`."""
        above = path
        while above and above not in self.members:
            above = above.rpartition(".")[0]
        tag = self.members[above].tag
        if above and tag in self.unresolved:
            return f"struct {tag} is not defined in what was read"
        return f"the table has no member {path}"

    def slots(self, prefix: str = "") -> Iterator[str]:
        """The paths of the slots at or below `prefix`."""
        for path, member in self.members.items():
            if member.kind is MemberKind.SLOT and (not prefix or path == prefix or path.startswith(prefix + ".")):
                yield path

    def children(self, prefix: str) -> tuple[str, ...]:
        """The direct members of a sub-table, in order: what a positional initialiser fills."""
        start = prefix + "." if prefix else ""
        return tuple(path for path in self.members if path and path.startswith(start) and "." not in path[len(start) :])


@dataclass(frozen=True, slots=True)
class Record:
    """A struct definition in a file."""

    node: Node
    parsed: ParsedFile
    file: RepoPath

    @property
    def location(self) -> Location:
        return Location(self.file, line_of(self.node))


@dataclass(slots=True)
class _Reader:
    records: Mapping[str, Record]
    callback_types: frozenset[str]
    members: dict[str, Member] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)

    def read(self, record: Record, prefix: str, tags: tuple[str, ...]) -> None:
        body = record.node.child_by_field_name("body")
        if body is not None:
            for declaration in _field_declarations(body):
                self._read_field(declaration, record, prefix, tags)

    def _read_field(self, declaration: Node, record: Record, prefix: str, tags: tuple[str, ...]) -> None:
        type_node = declaration.child_by_field_name("type")
        declarators = declaration.children_by_field_name("declarator")
        if not declarators and type_node is not None and type_node.type in _RECORDS:
            # An unnamed struct or union: its members are the outer struct's own.
            self.read(Record(type_node, record.parsed, record.file), prefix, tags)
        for declarator in declarators:
            name = declared_name(declarator)
            if name is None:
                continue
            path = prefix + name_of(name)
            location = Location(record.file, line_of(name))
            signature = _signature(declaration, declarators[0], declarator, record.parsed)
            if is_function_pointer(name, declarator) or self._has_callback_type(type_node, declarator):
                self.members[path] = Member(MemberKind.SLOT, signature, location)
            elif type_node is not None and type_node.type in _RECORDS and not _is_pointer(declarator):
                self._read_nested(type_node, record, path, Member(MemberKind.SUBTABLE, signature, location), tags)
            else:
                self.members[path] = Member(MemberKind.DATA, signature, location)

    def _read_nested(self, type_node: Node, record: Record, path: str, member: Member, tags: tuple[str, ...]) -> None:
        name = type_node.child_by_field_name("name")
        tag = name_of(name) if name is not None else ""
        inner: Record | None = Record(type_node, record.parsed, record.file)
        if type_node.child_by_field_name("body") is None:
            inner = self.records.get(tag)
            if inner is None and tag not in self.unresolved:
                self.unresolved.append(tag)
        self.members[path] = Member(member.kind, member.signature, member.location, tag)
        if inner is not None and tag not in tags:
            self.read(inner, path + ".", (*tags, tag) if tag else tags)

    def _has_callback_type(self, type_node: Node | None, declarator: Node) -> bool:
        return (
            type_node is not None
            and type_node.type == "type_identifier"
            and name_of(type_node) in self.callback_types
            and not _is_pointer(declarator)
        )


def read_shape(
    record: Record, tag: str, records: Mapping[str, Record], *, callback_types: frozenset[str] = frozenset()
) -> Shape:
    """The shape of `record`. `records` has other structs by tag; `callback_types` are typedefs of function pointers."""
    reader = _Reader(records, callback_types)
    reader.members[""] = Member(MemberKind.SUBTABLE, f"struct {tag}", record.location, tag)
    reader.read(record, "", (tag,))
    return Shape(reader.members, tuple(reader.unresolved))


def find_records(tags: Iterable[str], files: Iterable[tuple[RepoPath, bytes]]) -> dict[str, Record]:
    """The definitions of `struct tag` among `files`, the first of each."""
    records: dict[str, Record] = {}
    wanted = tuple(tags)
    for path, data in files:
        present = [tag for tag in wanted if tag not in records and _may_define(data, tag)]
        parsed = parse_c(data) if present else None
        for tag in present:
            node = find_struct(parsed, tag) if parsed is not None else None
            if node is not None and parsed is not None:
                records[tag] = Record(node, parsed, path)
    return records


def find_shape(source: BlobSource, tag: str, hits: Mapping[RepoPath, bytes], scope: tuple[str, ...]) -> Shape | None:
    """The shape of `struct tag`, which `hits` or any file of scope defines; None where none does.

    Its nested structs are looked up in `hits` and along the `#include` lines of the file that defines it.
    """
    records = find_records((tag,), hits.items())
    if tag not in records:
        records = find_records((tag,), search_source(source, tag, scope).hits)
    if tag not in records:
        return None
    home = records[tag].file
    while True:
        shape = read_shape(records[tag], tag, records)
        missing = tuple(wanted for wanted in shape.unresolved if wanted not in records)
        more = find_records(missing, hits.items()) if missing else {}
        if missing and not more:
            more = find_records(missing, included_files(source, home, scope))
        if not more:
            return shape
        records |= more


def _may_define(data: bytes, tag: str) -> bool:
    return re.search(rb"struct\s[\w\s]*?\b" + re.escape(tag.encode()) + rb"\s*\{", data) is not None


def is_function_pointer(name: Node, outermost: Node) -> bool:
    """Whether the declarator around `name`, up to `outermost`, makes it a pointer (or array of pointers) to functions.

    Read from the name outwards, as C does: arrays, then at least one `*`, then the parameter list.
    """
    pointers = 0
    node = name
    while node != outermost:
        parent = node.parent
        if parent is None:
            return False
        node = parent
        if node.type == "pointer_declarator":
            pointers += 1
        elif node.type == "function_declarator":
            return pointers > 0
    return False


def _is_pointer(declarator: Node) -> bool:
    current: Node | None = declarator
    while current is not None:
        if current.type == "pointer_declarator":
            return True
        current = current.child_by_field_name("declarator")
    return False


def _field_declarations(body: Node) -> Iterator[Node]:
    for child in body.named_children:
        if child.type == "field_declaration":
            yield child
        elif child.type.startswith("preproc_") or child.type == "ERROR":
            yield from _field_declarations(child)


def _signature(declaration: Node, first: Node, declarator: Node, parsed: ParsedFile) -> str:
    """The declaration of one declarator in one line, without comments and `;`."""
    type_node = declaration.child_by_field_name("type")
    before = parsed.masked[declaration.start_byte : first.start_byte]
    body = type_node.child_by_field_name("body") if type_node is not None else None
    if body is not None:
        before = parsed.masked[declaration.start_byte : body.start_byte]
    text = before + b" " + parsed.masked[declarator.start_byte : declarator.end_byte]
    words = " ".join(_COMMENT.sub(" ", text.decode("utf-8", "surrogateescape")).split())
    return re.sub(r"(?<=[*(]) | (?=[),])", "", words)
