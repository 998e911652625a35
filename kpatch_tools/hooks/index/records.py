"""Structs and unions, their members, and other names for types."""

import re
from collections.abc import Iterator

from kpatch_tools.hooks.tables.members import is_function_pointer
from kpatch_tools.syntax import Node, ParsedFile, declared_name, line_of, name_of

from .facts import Member, MemberKind, Record, Typedef
from .spelling import decode, is_scalar, signature_line, type_name, without_comments

# Most members are plain, and reading such a one off its text costs a third of asking the tree for its parts.
_PLAIN = re.compile(
    rb"(?:(?:const|volatile|unsigned|signed|long|short)\s+)*(?:(struct|union|enum)\s+)?(\w+)"
    rb"(\s*(?:\*\s*)+|\s+)(\w+)\s*(\[[^][;]*\]\s*)?(:[^:;]*)?;"
)
_KEYWORDS = frozenset(
    {"char", "short", "int", "long", "float", "double", "unsigned", "signed", "enum", "struct", "union"}
)
_UNTYPED = re.compile(rb"\{\s*(?:const\s+)?void\s*\*\s*\w+\s*;\s*\}")
_POINTED = re.compile(r"\(\s*\*")


def read_record(node: Node, name: str, parsed: ParsedFile) -> Iterator[Record]:
    """The record that the specifier `node` defines, and those with a tag that are defined inside it.

    `name`: its type's, with which others refer to it. The members of a record that holds nothing but numbers are left
    out: no function pointer is reached through them, and half of all members are such.
    """
    inner: list[Record] = []
    members = tuple(_members(node, "", parsed, inner))
    if name:
        if len(members) == 1 and _is_untyped(node, parsed):
            members = (members[0]._replace(kind=MemberKind.POINTER, type="void"),)
        telling = any(member.kind is not MemberKind.DATA for member in members)
        yield Record(name, members if telling else (), line_of(node))
    yield from inner


def _is_untyped(record: Node, parsed: ParsedFile) -> bool:
    body = record.child_by_field_name("body")
    text = parsed.masked[body.start_byte : body.end_byte] if body is not None else b""
    return _UNTYPED.fullmatch(without_comments(text)) is not None


def _members(record: Node, prefix: str, parsed: ParsedFile, inner: list[Record]) -> Iterator[Member]:
    body = record.child_by_field_name("body")
    if body is not None:
        yield from _members_in(body, prefix, parsed, inner)


def _members_in(body: Node, prefix: str, parsed: ParsedFile, inner: list[Record]) -> Iterator[Member]:
    masked = parsed.masked
    for child in body.named_children:
        kind = child.type
        if kind == "field_declaration":
            plain = _PLAIN.fullmatch(masked, child.start_byte, child.end_byte)
            if plain is not None and (member := _plain_member(plain, prefix, child)) is not None:
                yield member
            else:
                yield from _declared_members(child, prefix, parsed, inner)
        elif kind == "ERROR" or kind.startswith("preproc_"):
            yield from _members_in(child, prefix, parsed, inner)


def _plain_member(match: re.Match[bytes], prefix: str, node: Node) -> Member | None:
    keyword, word, stars, name, subscript, bits = match.groups()
    path = prefix + decode(name)
    array = subscript is not None
    spelled = decode(word)
    if spelled in _KEYWORDS and spelled not in ("char", "short", "int", "long", "float", "double"):
        # `unsigned x`, where the name was taken for a part of the type, or the other way round.
        return Member(path, MemberKind.DATA, "", "", array, node.start_point.row + 1) if keyword is None else None
    if keyword == b"enum" or (keyword is None and is_scalar(spelled)) or bits is not None:
        return Member(path, MemberKind.DATA, "", "", array, node.start_point.row + 1)
    of_type = f"{keyword.decode()} {spelled}" if keyword is not None else spelled
    kind = MemberKind.POINTER if b"*" in stars else MemberKind.STRUCT
    return Member(path, kind, of_type, "", array or stars.count(b"*") > 1, node.start_point.row + 1)


def _declared_members(declaration: Node, prefix: str, parsed: ParsedFile, inner: list[Record]) -> Iterator[Member]:
    type_node = declaration.child_by_field_name("type")
    if type_node is None:
        return
    declarators = declaration.children_by_field_name("declarator")
    has_body = type_node.child_by_field_name("body") is not None and type_node.type != "enum_specifier"
    spelled = type_name(type_node, parsed)
    if has_body and spelled:
        inner.extend(read_record(type_node, spelled, parsed))
    if not declarators and has_body and not spelled:
        yield from _members(type_node, prefix, parsed, inner)
    for declarator in declarators:
        name = declared_name(declarator)
        if name is None:
            continue
        path = prefix + name_of(name)
        array, pointers = _shape(name, declarator)
        line = line_of(name)
        if _has_parameters(declarator) and is_function_pointer(name, declarator):
            signature = declaration_line(declaration, declarators[0], declarator, parsed)
            yield Member(path, MemberKind.SLOT, "", signature, array, line)
        elif has_body and not spelled and not _has_parameters(declarator):
            kind = MemberKind.POINTER if pointers else MemberKind.STRUCT
            yield Member(path, kind, "", "", array or pointers > 1, line)
            yield from _members(type_node, path + ".", parsed, inner)
        elif not spelled or is_scalar(spelled) or _has_parameters(declarator):
            yield Member(path, MemberKind.DATA, "", "", array, line)
        else:
            kind = MemberKind.POINTER if pointers else MemberKind.STRUCT
            yield Member(path, kind, spelled, "", array or pointers > 1, line)


def _shape(name: Node, outermost: Node) -> tuple[bool, int]:
    """Whether a declarator makes an array, and how many pointers stand before that."""
    array, pointers = False, 0
    node: Node | None = outermost
    while node is not None and node != name:
        array = array or node.type == "array_declarator"
        pointers += node.type == "pointer_declarator"
        inner = node.child_by_field_name("declarator")
        node = inner if inner is not None else next(iter(node.named_children), None)
    return array, pointers


def _has_parameters(declarator: Node) -> bool:
    node: Node | None = declarator
    while node is not None:
        if node.type == "function_declarator":
            return True
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type == "parenthesized_declarator":
            inner = next(iter(node.named_children), None)
        node = inner
    return False


def declaration_line(declaration: Node, first: Node, declarator: Node, parsed: ParsedFile) -> str:
    """The declaration of one of several declarators in one line."""
    type_node = declaration.child_by_field_name("type")
    body = type_node.child_by_field_name("body") if type_node is not None else None
    end = body.start_byte if body is not None else first.start_byte
    before = parsed.masked[declaration.start_byte : end]
    return signature_line(before + b" " + parsed.masked[declarator.start_byte : declarator.end_byte])


def read_typedef(node: Node, parsed: ParsedFile) -> Iterator[Typedef | Record]:
    """The names that a `type_definition` gives, and the records that it defines on the way."""
    type_node = node.child_by_field_name("type")
    declarators = node.children_by_field_name("declarator")
    if type_node is None:
        return
    spelled = type_name(type_node, parsed)
    has_body = type_node.child_by_field_name("body") is not None and type_node.type != "enum_specifier"
    if has_body and spelled:
        yield from read_record(type_node, spelled, parsed)
    for declarator in declarators:
        name = declared_name(declarator)
        if name is None:
            continue
        own = name_of(name)
        if _has_parameters(declarator):
            line = declaration_line(node, declarators[0], declarator, parsed).removeprefix("typedef ")
            yield Typedef(own, "", line, line_of(name))
        elif has_body and not spelled and declarator == declarators[0]:
            yield from read_record(type_node, own, parsed)
        else:
            _, pointers = _shape(name, declarator)
            known = bool(spelled) and not is_scalar(spelled) and pointers < 2
            yield Typedef(own, spelled if known else "", "", line_of(name), pointer=known and pointers == 1)


def with_callbacks(record: Record, find: "FindTypedef") -> Record:
    """`record` with its typedef'd members told apart: slots, records, and plain data.

    `find` gives the typedef of a name, None where it is not known: such a member stays as it is.
    """
    members = tuple(_resolved(member, find) for member in record.members)
    return record if members == record.members else record._replace(members=members)


class FindTypedef:
    """Looks typedefs up, those of the record's own file first."""

    def __init__(self, *layers: "dict[str, Typedef]") -> None:
        self._layers = layers

    def __call__(self, name: str) -> Typedef | None:
        for layer in self._layers:
            if name in layer:
                return layer[name]
        return None


def _resolved(member: Member, find: FindTypedef) -> Member:
    if member.kind not in (MemberKind.STRUCT, MemberKind.POINTER) or not member.type or " " in member.type:
        return member
    seen: set[str] = set()
    name = member.type
    pointer = member.kind is MemberKind.POINTER
    while name not in seen and (typedef := find(name)) is not None:
        seen.add(name)
        if typedef.signature:
            by_value = _POINTED.search(typedef.signature.partition(name)[0]) is not None
            if by_value != pointer:
                return member._replace(kind=MemberKind.SLOT, signature=_slot_signature(typedef, name, member))
            return member._replace(kind=MemberKind.DATA, type="")
        if not typedef.type:
            return member._replace(kind=MemberKind.DATA, type="")
        pointer = pointer or typedef.pointer
        name = typedef.type
    return member._replace(kind=MemberKind.POINTER) if pointer else member


def _slot_signature(typedef: Typedef, name: str, member: Member) -> str:
    """The typedef's signature with the member's name in its place."""
    own = member.path.rpartition(".")[2]
    pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
    return re.sub(
        pattern,
        own if _POINTED.search(typedef.signature.partition(name)[0]) else f"(*{own})",
        typedef.signature,
        count=1,
    )
