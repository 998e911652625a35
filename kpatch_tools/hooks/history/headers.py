"""What one header says about hook tables, in itself: kept by blob id, it holds for every commit that has the blob."""

import re
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.declarations import extern_structs
from kpatch_tools.hooks.tables.members import MemberKind, Record, read_shape
from kpatch_tools.syntax import line_of, name_of, parse_c, structs

_EXTERN = re.compile(rb"\bextern\s[^;{}()]*?\bstruct\s+\w+[\s*]+\w+[\w\s]*[;,\[]")
_CALLBACK = re.compile(rb"\(\s*(?:\w+\s+)*\*+\s*\w+\s*(?:\[[^\]]*\]\s*)*\)\s*\(")
_HERE = RepoPath("")


@dataclass(frozen=True, slots=True)
class Field:
    """A slot of a struct, or a nested struct of type `tag` that the same header need not define.

    `path`: members from the struct on, those of unnamed structs included. `signature` is "" where `tag` is not.
    """

    path: str
    signature: str
    tag: str
    line: int


@dataclass(frozen=True, slots=True)
class StructText:
    """A struct with a body, its fields in order. `damaged`: a parse error inside, so that some may be missing."""

    tag: str
    fields: tuple[Field, ...]
    damaged: bool
    line: int


@dataclass(frozen=True, slots=True)
class Extern:
    """A variable, or a pointer, of type `struct tag` that the header declares."""

    name: str
    tag: str
    line: int


@dataclass(frozen=True, slots=True)
class HeaderText:
    """Structs with slots or nested structs, and variables of struct types; empty for nearly all headers."""

    structs: tuple[StructText, ...] = ()
    externs: tuple[Extern, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.structs and not self.externs


def read_header(data: bytes) -> HeaderText:
    """What the header with these bytes says."""
    if not _CALLBACK.search(data) and not _EXTERN.search(data):
        return HeaderText()
    parsed = parse_c(data)
    found: dict[str, StructText] = {}
    for node in structs(parsed):
        name = node.child_by_field_name("name")
        tag = name_of(name) if name is not None else ""
        if not tag or tag in found:
            continue
        shape = read_shape(Record(node, parsed, _HERE), tag, {})
        fields = tuple(
            Field(path, member.signature, "", member.location.line)
            if member.kind is MemberKind.SLOT
            else Field(path, "", member.tag, member.location.line)
            for path, member in shape.members.items()
            if path and (member.kind is MemberKind.SLOT or (member.kind is MemberKind.SUBTABLE and member.tag))
        )
        if fields:
            found[tag] = StructText(tag, fields, node.has_error, line_of(node))
    externs = tuple(Extern(name_of(name), tag, line_of(name)) for name, tag in extern_structs(parsed))
    return HeaderText(tuple(found.values()), externs)
