"""Parses one C file as the kernel writes it."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

import tree_sitter
import tree_sitter_c
from tree_sitter import Node

from kpatch_tools.core.span import Span

from .branches import straighten
from .conditionals import Directive
from .masking import Annotation, Masked, mask

_START = attrgetter("start")


@cache
def c_language() -> tree_sitter.Language:
    """The grammar; loading it costs a millisecond, so it is kept."""
    return tree_sitter.Language(tree_sitter_c.language())


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file and its tree. Offsets of nodes hold in `source` and in `masked` alike.

    `errors`: where the grammar gave up or had to imagine a token (then the span is empty or short), outermost only.
    `annotations`: masked macros in file order. `disabled`: text that is never compiled as C, blank in the tree.
    `hidden`: branches of conditionals that had to be left out of the tree although they may be compiled.
    """

    source: bytes
    masked: bytes
    root: Node
    errors: tuple[Span, ...]
    annotations: tuple[Annotation, ...]
    disabled: tuple[Span, ...]
    directives: tuple[Directive, ...]
    hidden: tuple[Span, ...] = ()

    def text(self, node: Node) -> bytes:
        """The node's original bytes, annotations included (`node.text` has blanks there)."""
        return self.source[node.start_byte : node.end_byte]

    def is_disabled(self, offset: int) -> bool:
        """Whether the byte at `offset` is under `#if 0` or in a part for the assembler only."""
        index = bisect_right(self.disabled, offset, key=_START) - 1
        return index >= 0 and offset < self.disabled[index].end


def parse_c(data: bytes, *, last_branch: bool = False, straight: bool = True) -> ParsedFile:
    """Parse a C file or header. Never fails: what was not understood is in `errors`.

    `last_branch`: of a conditional that cuts through a statement, keep the last branch instead of the first; the two
    together show nearly all that is `hidden` in one of them. `straight=False` leaves such conditionals alone, which
    costs half of the time where the file has errors, and is as good wherever no error is near.
    """
    return parse_masked(data, mask(data), last_branch=last_branch, straight=straight)


def parse_masked(data: bytes, masked: Masked, *, last_branch: bool = False, straight: bool = True) -> ParsedFile:
    """The same for `data` that is masked already."""
    text = masked.data
    tree = _parse(text)
    root = tree.root_node
    errors = errors_in(root)
    hidden: tuple[Span, ...] = ()
    if errors and straight:
        straightened, left_out = straighten(text, masked.directives, last_branch=last_branch)
        if straightened != text:
            other = _parse_again(tree, text, straightened).root_node
            fewer = errors_in(other)
            if _weight(fewer) < _weight(errors):
                text, root, errors, hidden = straightened, other, fewer, left_out
    return ParsedFile(
        source=data,
        masked=text,
        root=root,
        errors=errors,
        annotations=masked.annotations,
        disabled=masked.disabled,
        directives=masked.directives,
        hidden=hidden,
    )


def _parse(text: bytes) -> tree_sitter.Tree:
    return tree_sitter.Parser(c_language()).parse(text)


def _parse_again(tree: tree_sitter.Tree, old: bytes, new: bytes) -> tree_sitter.Tree:
    """Parse `new`, which has the lines of `old` at the same offsets, keeping what no changed line is part of."""
    edited = tree.copy()
    start = 0
    for row, (before, after) in enumerate(zip(old.split(b"\n"), new.split(b"\n"), strict=True)):
        end = start + len(before)
        if before != after:
            last = (row, len(before))
            edited.edit(start, end, end, (row, 0), last, last)
        start = end + 1
    return tree_sitter.Parser(c_language()).parse(new, edited)


def _weight(errors: tuple[Span, ...]) -> int:
    return sum(1 + error.end - error.start for error in errors)


def errors_in(node: Node) -> tuple[Span, ...]:
    """Where the tree at or below `node` is not to be trusted, outermost only, in file order."""
    return tuple(_errors(node))


def _errors(node: Node) -> Iterator[Span]:
    if not node.has_error:
        return
    if node.is_error or node.is_missing:
        yield Span(node.start_byte, node.end_byte)
        return
    for child in node.children:
        yield from _errors(child)
