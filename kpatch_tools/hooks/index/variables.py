"""Variables and what their initialisers put where."""

import re
from collections.abc import Iterator, Sequence

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Annotation, Node, ParsedFile, annotations_in, declared_name, line_of, name_of

from .facts import Fill, Storage, Variable
from .spelling import is_scalar, type_name, unwrapped, value_text

# What may be a function in an initialiser: any name behind a designator or an equals sign, others if they are not all
# in capitals. Lists without any are not walked: most of a kernel's initialisers are numbers.
_CANDIDATE = re.compile(
    rb"[=:]\s*(?:&|\([^()]*\))?\s*[A-Za-z_]|[{,(&)/]\s*[A-Z_0-9]*[a-z]\w*(?=\s*(?:[,})/]))|\bNULL\b"
)
_LOWER = re.compile(rb"[a-z]")
_DATA = frozenset(
    {
        "number_literal",
        "string_literal",
        "char_literal",
        "concatenated_string",
        "comment",
        "sizeof_expression",
        "binary_expression",
        "true",
        "false",
        "unary_expression",
        "offsetof_expression",
    }
)
_STATIC = re.compile(rb"\bstatic\b")
_EXTERN = re.compile(rb"\bextern\b")
_NO_SECTION = ("EXPORT_", "MODULE_", "module_")


def read_variables(declaration: Node, parsed: ParsedFile, function: str = "") -> Iterator[Variable]:
    """What a `declaration` of a record's or typedef's variables declares; nothing for prototypes.

    In a `function`: those that are static, or have an initialiser that may name a function.
    """
    type_node = declaration.child_by_field_name("type")
    if type_node is None:
        return
    named = type_name(type_node, parsed)
    if is_scalar(named):
        return
    before = parsed.masked[declaration.start_byte : type_node.start_byte]
    for declarator in declaration.children_by_field_name("declarator"):
        value = declarator.child_by_field_name("value") if declarator.type == "init_declarator" else None
        name = declared_name(declarator)
        if name is None or _is_prototype(declarator):
            continue
        own = name_of(name)
        spelled = named or f"{type_node.type.partition('_')[0]} ({own})"
        pointer, array = _shape(name, declarator)
        fills = tuple(_read_fills(value, parsed, array=array and not pointer)) if value is not None else ()
        static = _STATIC.search(before) is not None
        if function and not (static or fills):
            continue
        target = "" if value is None or not pointer or array else _target(value, parsed)
        end = value.start_byte if value is not None else declaration.end_byte
        yield Variable(
            name=own,
            type=spelled,
            storage=_storage(before, static, function),
            pointer=pointer,
            array=array,
            target=target,
            fills=fills,
            annotation=section_annotations(parsed.annotations, Span(declaration.start_byte, end)),
            function=function,
            line=line_of(name),
        )


def unnamed_type(declaration: Node) -> str:
    """What the type of `struct { ... } x;` is called: "struct (x)"."""
    type_node = declaration.child_by_field_name("type")
    name = declared_name(declaration.child_by_field_name("declarator"))
    return f"{type_node.type.partition('_')[0]} ({name_of(name)})" if type_node is not None and name is not None else ""


def section_annotations(annotations: Sequence[Annotation], span: Span) -> str:
    """Those of a file's annotations inside `span` that say something about what is declared there."""
    if not annotations:
        return ""
    inside = annotations_in(annotations, span)
    return " ".join(note.name for note in inside if not note.name.startswith(_NO_SECTION))


def _storage(before: bytes, static: bool, function: str) -> Storage:
    if function:
        return Storage.LOCAL
    if static:
        return Storage.PRIVATE
    return Storage.EXTERN if _EXTERN.search(before) is not None else Storage.PUBLIC


def _is_prototype(declarator: Node) -> bool:
    node: Node | None = declarator
    while node is not None:
        if node.type == "function_declarator":
            return True
        node = node.child_by_field_name("declarator") or (
            next(iter(node.named_children), None) if node.type == "parenthesized_declarator" else None
        )
    return False


def _shape(name: Node, declarator: Node) -> tuple[bool, bool]:
    pointer = array = False
    node: Node | None = declarator
    while node is not None and node != name:
        pointer = pointer or node.type == "pointer_declarator"
        array = array or node.type == "array_declarator"
        node = node.child_by_field_name("declarator") or next(iter(node.named_children), None)
    return pointer, array


def _target(value: Node, parsed: ParsedFile) -> str:
    inner = unwrapped(value)
    if inner.type == "pointer_expression":
        # `&table[0]` and `&table.member` begin with the table too.
        argument = inner.child_by_field_name("argument")
        while argument is not None and argument.type in ("subscript_expression", "field_expression"):
            argument = argument.child_by_field_name("argument")
        inner = argument if argument is not None else inner
    return name_of(inner) if inner.type == "identifier" else ""


def _read_fills(value: Node, parsed: ParsedFile, *, array: bool) -> Iterator[Fill]:
    braces = braces_of(value)
    if braces is None or _CANDIDATE.search(parsed.masked, braces.start_byte, braces.end_byte) is None:
        return
    if not array:
        yield from _fills(braces, parsed, "", 0)
        return
    candidates = [match.end() - 1 for match in _CANDIDATE.finditer(parsed.masked, braces.start_byte, braces.end_byte)]
    candidates.append(braces.end_byte)
    number, following = -1, 0
    for child in braces.named_children:
        kind = child.type
        if kind == "comment":
            continue
        number += 1
        start, end = child.start_byte, child.end_byte
        while candidates[following] < start:
            following += 1
        if kind == "initializer_pair":
            number = _index(child, parsed, number)
        if candidates[following] < end:
            yield from _element(child, parsed, number)


def _element(child: Node, parsed: ParsedFile, number: int) -> Iterator[Fill]:
    element: Node | None = child
    members = ""
    if child.type == "initializer_pair":
        element = child.child_by_field_name("value")
        members = _members_named(child, parsed)
    if element is not None:
        yield from _filled(element, parsed, members, number, designated=element is not child)


def fills_of(braces: Node, parsed: ParsedFile) -> tuple[Fill, ...]:
    """What the braces of one struct's value fill."""
    return tuple(_fills(braces, parsed, "", 0))


def _fills(braces: Node, parsed: ParsedFile, prefix: str, number: int) -> Iterator[Fill]:
    index = -1
    for child in braces.named_children:
        kind = child.type
        if kind == "comment":
            continue
        index += 1
        if kind in _DATA:
            continue
        if kind == "initializer_pair":
            value = child.child_by_field_name("value")
            if value is not None and value.type not in _DATA:
                path = prefix + (_members_named(child, parsed) or f"#{index}")
                yield from _filled(value, parsed, path, number, designated=True)
        else:
            yield from _filled(child, parsed, f"{prefix}#{index}", number, designated=False)


def _filled(value: Node, parsed: ParsedFile, path: str, number: int, *, designated: bool) -> Iterator[Fill]:
    braces = braces_of(value)
    if braces is not None:
        if _CANDIDATE.search(parsed.masked, braces.start_byte, braces.end_byte) is not None:
            yield from _fills(braces, parsed, f"{path}." if path else "", number)
        return
    if value.type in _DATA or value.type == "ERROR":
        return
    text = parsed.masked[value.start_byte : value.end_byte]
    if not designated and (_LOWER.search(text) is None and text != b"NULL"):
        return
    spelled = value_text(value, parsed)
    if not spelled[:1].isdigit():
        yield Fill(path, spelled, number, value.start_point.row + 1)


def braces_of(value: Node) -> Node | None:
    """The list of a braced value, also behind a cast; None for any other value."""
    while value.type == "parenthesized_expression" and value.named_children:
        value = value.named_children[0]
    if value.type == "compound_literal_expression":
        inner = value.child_by_field_name("value")
        return inner if inner is not None and inner.type == "initializer_list" else None
    return value if value.type == "initializer_list" else None


def _members_named(pair: Node, parsed: ParsedFile) -> str:
    """The members that a designator names, without its subscripts."""
    names = []
    for designator in pair.children_by_field_name("designator"):
        if designator.type == "field_designator":
            names.append(parsed.masked[designator.start_byte + 1 : designator.end_byte].strip())
        elif designator.type == "field_identifier":
            names.append(parsed.masked[designator.start_byte : designator.end_byte])
    return b".".join(names).decode("utf-8", "surrogateescape")


def _index(pair: Node, parsed: ParsedFile, otherwise: int) -> int:
    """The element that `[3] = ...` names; `otherwise` where its number is not to be seen."""
    designator = pair.child_by_field_name("designator")
    if designator is None or designator.type != "subscript_designator":
        return otherwise
    text = parsed.masked[designator.start_byte + 1 : designator.end_byte - 1].strip()
    return int(text) if text.isdigit() else otherwise
