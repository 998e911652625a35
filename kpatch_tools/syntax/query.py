"""tree-sitter queries: the bundled ones by name, others as text."""

from functools import cache
from importlib.resources import files

import tree_sitter
from tree_sitter import Node

from .parser import c_language


@cache
def compiled_query(name_or_text: str) -> tree_sitter.Query:
    """A query by the name of its file in `queries/` (no suffix), or by its own text, which has parentheses.

    >>> compiled_query("functions").capture_count > 0
    True
    """
    if "(" in name_or_text:
        text = name_or_text
    else:
        text = files(__package__).joinpath("queries", f"{name_or_text}.scm").read_text("utf-8")
    return tree_sitter.Query(c_language(), text)


def query(name_or_text: str, node: Node) -> dict[str, list[Node]]:
    """All captures at or below `node`: capture name to nodes in file order; a name without any capture is absent."""
    captures = tree_sitter.QueryCursor(compiled_query(name_or_text)).captures(node)
    # tree-sitter hands out nested nodes in no particular order.
    return {name: sorted(nodes, key=_place) for name, nodes in captures.items()}


def _place(node: Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


def matches(name_or_text: str, node: Node) -> list[dict[str, list[Node]]]:
    """The same, match by match."""
    return [captures for _, captures in tree_sitter.QueryCursor(compiled_query(name_or_text)).matches(node)]


def matches_in(name_or_text: str, node: Node, *, depth: int | None = None) -> list[tuple[int, dict[str, list[Node]]]]:
    """Match by match, each with the number of its pattern (from 0), its captures in no particular order.

    `depth`: how far below `node` a pattern may begin (1: its children); a whole kernel has no time for more than that.
    """
    cursor = tree_sitter.QueryCursor(compiled_query(name_or_text))
    if depth is not None:
        cursor.set_max_start_depth(depth)
    return cursor.matches(node)
