"""Functions, as others see them."""

import re

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ParsedFile, declared_name, name_of

from .facts import Function
from .spelling import decode, signature_line, without_comments
from .variables import section_annotations

_PLAIN = re.compile(rb"([\w\s*]*?)\b(\w+)\s*\(([^()]*)\)\s*\Z")
_STATIC = re.compile(rb"\b(?:static|inline|__inline__|__inline|extern)\b\s*")
_STATEMENTS = frozenset({"if", "for", "while", "switch"})


def read_function(node: Node, body: Node, parsed: ParsedFile) -> Function | None:
    """None where the grammar found no name."""
    head = parsed.masked[node.start_byte : body.start_byte]
    line = node.start_point.row + 1
    annotation = section_annotations(parsed.annotations, Span(node.start_byte, body.start_byte))
    plain = read_head(head, line, annotation)
    if plain is not None:
        return plain
    declarator = node.child_by_field_name("declarator")
    found = declared_name(declarator)
    if declarator is None or found is None:
        return None
    listed_node = _parameter_list(declarator)
    listed = b"" if listed_node is None else parsed.masked[listed_node.start_byte + 1 : listed_node.end_byte - 1]
    before = _STATIC.sub(b"", parsed.masked[node.start_byte : found.start_byte])
    return Function(
        name=name_of(found),
        signature=signature_line(_STATIC.sub(b"", without_comments(head))),
        returns=signature_line(before).rstrip("(").strip(),
        parameters=count_parameters(without_comments(listed)),
        private=b"static" in head,
        annotation=annotation,
        line=found.start_point.row + 1,
    )


def read_head(head: bytes, line: int, annotation: str) -> Function | None:
    """The function whose masked `head`, all before the body, begins in `line`; None where it takes a tree to read it.

    That is where a function pointer is passed or returned, or where it is the head of a statement.
    """
    head = without_comments(head)
    bare = _STATIC.sub(b"", head)
    plain = _PLAIN.match(bare)
    if plain is None:
        return None
    before, own, listed = plain.groups()
    name = decode(own)
    if name in _STATEMENTS:
        return None
    returns = signature_line(before)
    between = "" if not returns or returns.endswith("*") else " "
    return Function(
        name=name,
        signature=f"{returns}{between}{name}({signature_line(listed).strip()})",
        returns=returns,
        parameters=count_parameters(listed),
        private=b"static" in head,
        annotation=annotation,
        line=line + head.count(b"\n") - bare.count(b"\n", plain.start(2)),
    )


def count_parameters(listed: bytes) -> int:
    """How many parameters a list without its parentheses has; -1 for a variadic one.

    >>> count_parameters(b"void"), count_parameters(b"int a, int (*f)(int, int)"), count_parameters(b"int a, ...")
    (0, 2, -1)
    """
    text = listed.strip()
    if not text or text == b"void":
        return 0
    if text.endswith(b"..."):
        return -1
    if b"(" not in text and b"[" not in text and b"{" not in text:
        return text.count(b",") + 1
    depth = 0
    count = 1
    for byte in text:
        if byte in b"([{":
            depth += 1
        elif byte in b")]}":
            depth -= 1
        elif byte == 44 and depth == 0:
            count += 1
    return count


def _parameter_list(declarator: Node) -> Node | None:
    """That of the function itself, not of a function that its result points to."""
    found = None
    node: Node | None = declarator
    while node is not None:
        if node.type == "function_declarator":
            found = node.child_by_field_name("parameters")
        node = node.child_by_field_name("declarator") or (
            next(iter(node.named_children), None) if node.type == "parenthesized_declarator" else None
        )
    return found
