"""Which names a piece of C uses, and which a file declares."""

import re
from collections.abc import Iterable

from tree_sitter import Node

from kpatch_tools.core.span import Span
from kpatch_tools.syntax.nodes import declarations, declared_name, descend, functions, name_of
from kpatch_tools.syntax.parser import ParsedFile

_IGNORED = rb"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|__attribute__\s*\(\(.*?\)\)"""
_IDENTIFIER = re.compile(_IGNORED + rb"|(?<![\w.])(?:\d[\w.]*)|([A-Za-z_$][\w$]*)", re.DOTALL)

KEYWORDS = frozenset(
    """asm auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile while
    _Bool __asm __asm__ __attribute__ __inline __inline__ __typeof__ __typeof __volatile__ __extension__ __const
    __alignof__ __signed__ __restrict __restrict__ __label__ __func__ __FUNCTION__ __FILE__ __LINE__ __DATE__ __TIME__
    __VA_ARGS__ __COUNTER__ __PRETTY_FUNCTION__ defined define include ifdef ifndef elif endif undef error warning
    pragma line offsetof""".split()  # noqa: SIM905 - a list of quoted words is not easier to read
)
"""What the compiler itself knows, directives included."""


def identifiers(code: bytes) -> dict[str, int]:
    """Every identifier outside comments, strings and attributes, with the offset of its first use; no keywords.

    >>> identifiers(b"a = b(0x1f, /* c */ s->a);")
    {'a': 0, 'b': 4, 's': 20}
    """
    found: dict[str, int] = {}
    for match in _IDENTIFIER.finditer(code):
        word = match.group(1)
        if word is None:
            continue
        name = word.decode("ascii")
        if name not in KEYWORDS and not name.startswith("__builtin_"):
            found.setdefault(name, match.start())
    return found


_DECLARING = frozenset(
    {
        "declaration",
        "parameter_declaration",
        "field_declaration",
        "type_definition",
        "function_definition",
    }
)
# A statement or file-level line that is nothing but a macro in capitals: it may declare what it is handed.
_DECLARING_MACRO = re.compile(
    rb"(?:^|[;{}/])[ \t\n]*(?:(?:static|extern|const)[ \t]+)*[A-Z][A-Z0-9_]{3,}[ \t]*\(([^()]*)\)[ \t]*(?:;|=|\n)"
)


def declared_names(parsed: ParsedFile) -> frozenset[str]:
    """Every name the file itself brings into being, at any depth.

    Functions, variables, parameters, members, types, tags, enumerators, labels and macros, and what is handed to a
    macro in capitals (`DEFINE_MUTEX(name)`), or to any macro that stands for a variable's name, which may declare it.
    """
    names: set[str] = set()
    for node in descend(parsed.root):
        names.update(_declared_by(node))
    for match in _DECLARING_MACRO.finditer(parsed.source):
        names.update(identifiers(match.group(1)))
    return frozenset(names)


def _declared_by(node: Node) -> Iterable[str]:
    kind = node.type
    if kind in _DECLARING:
        for declarator in node.children_by_field_name("declarator"):
            if (name := declared_name(declarator)) is not None:
                yield name_of(name)
            if declarator.type == "function_declarator" and _is_statement(node):
                yield from _bare_parameters(declarator)
    elif kind in ("struct_specifier", "union_specifier", "enum_specifier", "enumerator", "preproc_def"):
        if (name := node.child_by_field_name("name")) is not None:
            yield name_of(name)
    elif kind == "labeled_statement":
        if (name := node.child_by_field_name("label")) is not None:
            yield name_of(name)
    elif kind == "preproc_function_def":
        if (name := node.child_by_field_name("name")) is not None:
            yield name_of(name)
        if (parameters := node.child_by_field_name("parameters")) is not None:
            yield from (name_of(child) for child in parameters.named_children)


def _is_statement(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "compound_statement"


def _bare_parameters(declarator: Node) -> Iterable[str]:
    """Of `int silenced(x);` among statements, x: hardly a prototype, rather a macro around the variable's name."""
    parameters = declarator.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters is not None else ():
        kind = parameter.child_by_field_name("type")
        if kind is not None and kind.type == "type_identifier" and parameter.named_child_count == 1:
            yield name_of(kind)


def declares(parsed: ParsedFile, name: str) -> bool:
    """Whether the file declares a function or variable `name` outside of any function."""
    return any(
        name_of(own) == name
        for node in (*declarations(parsed), *functions(parsed))
        for declarator in node.children_by_field_name("declarator")
        if (own := declared_name(declarator)) is not None
    )


def called_functions(node: Node) -> dict[str, int]:
    """Names called directly at or below `node`, with the byte offset of the first call."""
    found: dict[str, int] = {}
    for call in descend(node):
        if call.type != "call_expression":
            continue
        function = call.child_by_field_name("function")
        if function is not None and function.type == "identifier":
            found.setdefault(name_of(function), function.start_byte)
    return found


def spans_of_lines(data: bytes, lines: Iterable[int]) -> tuple[Span, ...]:
    """The byte ranges of the given 1-based lines, newline included; lines past the end are left out."""
    starts = [0]
    starts.extend(match.end() for match in re.finditer(rb"\n", data))
    starts.append(len(data))
    return tuple(Span(starts[line - 1], starts[line]) for line in lines if 0 < line < len(starts))
