"""What an initialiser puts into which member."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.syntax import Node, name_of

from .members import MemberKind, Shape

_NULLS = frozenset({b"NULL", b"0", b"((void *)0)", b"0L", b"0UL"})


@dataclass(frozen=True, slots=True)
class Assigned:
    """`value` goes to `path`; for a sub-table it is a struct as a whole. `place` is the value with its designator."""

    path: str
    value: Node
    place: Node


def initialised(braces: Node, shape: Shape, prefix: str = "") -> Iterator[Assigned]:
    """Every member that an `initializer_list` for the sub-table at `prefix` names, nested lists opened."""
    order = shape.children(prefix)
    position = 0
    for child in braces.named_children:
        if child.type == "comment":
            continue
        value: Node | None = child
        path: str | None
        if child.type == "initializer_pair":
            value = child.child_by_field_name("value")
            path = _designated(child, prefix)
            first = _designated(child, prefix, depth=1)
            if first in order:
                position = order.index(first) + 1
        else:
            path = order[position] if position < len(order) else None
            position += 1
        if value is None or path is None:
            continue
        literal = literal_braces(value)
        if literal is not None and shape.kind(path) is MemberKind.SUBTABLE:
            yield from initialised(literal, shape, path)
        else:
            yield Assigned(path, value, child)


def _designated(pair: Node, prefix: str, depth: int | None = None) -> str | None:
    """`.a.b = x` and the old `a: x`; subscripts are left out, since all elements of an array are one slot."""
    names: list[str] = []
    for designator in pair.children_by_field_name("designator"):
        if designator.type == "field_identifier":
            names.append(name_of(designator))
        elif designator.type == "field_designator":
            names += [name_of(child) for child in designator.named_children if child.type == "field_identifier"]
    path = ".".join(names[:depth])
    if not path:
        return None
    return f"{prefix}.{path}" if prefix else path


def literal_braces(value: Node) -> Node | None:
    """The braces of an initialiser list or of a compound literal, casts and parentheses removed."""
    node = bare(value)
    if node.type == "initializer_list":
        return node
    if node.type == "compound_literal_expression":
        return node.child_by_field_name("value")
    return None


def bare(value: Node) -> Node:
    """`value` without parentheses and casts; of a chained assignment, its last value."""
    while True:
        inner: Node | None = None
        if value.type == "parenthesized_expression" and value.named_child_count == 1:
            inner = value.named_children[0]
        elif value.type == "cast_expression":
            inner = value.child_by_field_name("value")
        elif value.type == "assignment_expression":
            inner = value.child_by_field_name("right")
        if inner is None or inner.type == "compound_statement":
            return value
        value = inner


def value_name(value: Node, source: bytes) -> str:
    """How to name what is assigned: a function, "NULL", or the expression in one line."""
    node = bare(value)
    if node.type == "pointer_expression":
        argument = node.child_by_field_name("argument")
        if argument is not None and bare(argument).type == "identifier":
            node = bare(argument)
    if node.type == "null" or (node.text or b"") in _NULLS:
        return "NULL"
    return " ".join(source[node.start_byte : node.end_byte].decode("utf-8", "surrogateescape").split())
