"""Whether two pieces of C say the same, aside from layout, comments, needless brackets and where strings are cut.

Structure is compared, not text, so that `(a + b) * c` is not `a + b * c`. What cannot be told is no sameness: where the
grammar gives up, where a branch was hidden from it or is never compiled.
"""

from collections.abc import Iterator

from tree_sitter import Node

from .parser import ParsedFile, parse_c

_BRACKETED = "parenthesized_expression"
_STRING = "string_literal"


def is_same_code(one: bytes, other: bytes) -> bool:
    r"""Whether two texts of whole definitions are the same C.

    >>> is_same_code(b"int f(void) { return (a > 1) && b; }", b"int f(void)\n{\n\treturn a > 1 && b; /* both */\n}\n")
    True
    >>> is_same_code(b"int f(void) { return (a + 1) * b; }", b"int f(void) { return a + 1 * b; }")
    False
    >>> is_same_code(b'int f(void) { p("a" "b"); }', b'int f(void) { p("ab"); }')
    True
    """
    if one == other:
        return True
    here, there = parse_c(one), parse_c(other)
    if not _is_understood(here) or not _is_understood(there):
        return False
    return _annotations(here) == _annotations(there) and list(_form(here)) == list(_form(there))


def _is_understood(parsed: ParsedFile) -> bool:
    return not (parsed.errors or parsed.hidden or parsed.disabled)


def _annotations(parsed: ParsedFile) -> list[bytes]:
    """Those macros are blank in the tree."""
    return [b" ".join(parsed.source[note.span.start : note.span.end].split()) for note in parsed.annotations]


def _form(parsed: ParsedFile) -> Iterator[bytes]:
    """The tree in a form that is the same for the same C: each node's kind, what is below it, and its end."""
    stack: list[Node | bytes] = [parsed.root]
    while stack:
        node = stack.pop()
        if isinstance(node, bytes):
            yield node
        elif node.type == _STRING:
            yield b'"' + parsed.text(node)[1:-1]
        elif not node.children:
            yield b" ".join(parsed.text(node).split())
        else:
            children = [child for child in node.children if child.type != "comment"]
            if node.type == _BRACKETED:
                stack.extend(reversed([child for child in children if child.is_named]))
            elif node.type == "concatenated_string":
                stack.extend(reversed(_joined(children, parsed)))
            else:
                stack.extend((b"end", *reversed(children), node.type.encode()))


def _joined(parts: list[Node], parsed: ParsedFile) -> list[Node | bytes]:
    """The parts of a string, those that are literals and follow one another as one."""
    joined: list[Node | bytes] = []
    for part in parts:
        last = joined[-1] if joined else None
        if part.type != _STRING or parsed.text(part)[:1] != b'"':
            joined.append(part)
        elif isinstance(last, bytes):
            joined[-1] = last + parsed.text(part)[1:-1]
        else:
            joined.append(b'"' + parsed.text(part)[1:-1])
    return joined
