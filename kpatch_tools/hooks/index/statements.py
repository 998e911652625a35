"""Finds what can be left out of a function's body: whole statements and blocks in which there is nothing to look at.

What stays is the statements with a spot, and the heads and braces of the blocks around them. Only braces are walked;
statements are told apart where there is a spot between them, so that this costs less than parsing them would.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.span import Span

_BRACES = (re.compile(rb"\{"), re.compile(rb"\}"))
_OPENING = ord("{")
_VALUE = re.compile(rb"(?:=|\breturn)\s*\([^()]*\)\s*\Z")
_BARE_DO = re.compile(rb"do(?<!\wdo)\b(?!\s*\{)")
_ELSE = re.compile(rb"\s*else\b")
_CONTINUES = re.compile(rb"\s*(?:else\b|while(?:_each_\w+)?\b)")

Range = tuple[int, int]


@dataclass(slots=True)
class _Block:
    """Blocks that belong together, as those of an `if` and its `else`. `inner`: what can go if they stay."""

    start: int
    end: int
    stays: bool
    inner: list[Range]


@dataclass(slots=True)
class _Level:
    """The inside of a block. `start`: where its head begins. `last`: what has just ended here, and may be continued."""

    start: int
    silent: list[Range] = field(default_factory=list)
    last: _Block | None = None


class _UnclearError(Exception):
    """The text is not what the statements of C look like."""


def silent_statements(code: bytes, body: Span, spots: Sequence[int]) -> list[Range]:
    """Where in `body`, the inside of a function's braces, nothing has to be read; in order.

    `code`: the file with blanks for comments, literals and directives. `spots`: in order, the last of them behind the
    body. Nothing where the body's text is not understood.
    """
    try:
        return _Reader(code, spots).read(body)
    except _UnclearError:
        return []


class _Reader:
    def __init__(self, code: bytes, spots: Sequence[int]) -> None:
        self._code = code
        self._spots = spots

    def read(self, body: Span) -> list[Range]:
        code = self._code
        if _BARE_DO.search(code, body.start, body.end) is not None:
            raise _UnclearError  # it has two semicolons, and anything may stand before it
        # A single byte is looked for at the speed of memory, one of two is not.
        braces = sorted(match.start() for brace in _BRACES for match in brace.finditer(code, body.start, body.end))
        partners = _partners(code, braces)
        braces.append(body.end)
        levels: list[_Level] = []
        level = _Level(body.start)
        begin = body.start  # of what is not read yet
        values_end = 0  # where the braces of an initialiser or the like ended, until their statement has ended
        number = 0
        while number < len(braces):
            brace = braces[number]
            opens = brace < body.end and code[brace] == _OPENING
            if values_end:
                # If that is not all of it, there are more of them, or it is the head of a block: that is left alone.
                end = self._end(begin, values_end, brace)
                self._statement(level, begin, end)
                begin, values_end = end, 0
            head = self._head(begin, brace) if opens else code.rfind(b";", begin, brace) + 1 or begin
            if begin < head:
                self._statements(level, begin, head)
            if opens:
                partner = partners[number]
                closing = braces[partner]
                if not self._is_block(head, brace):
                    begin, values_end = head, closing + 1
                    number = partner
                else:
                    if level.last is not None and _CONTINUES.match(code, head, brace) is None:
                        _settle(level)
                    begin = brace + 1
                    if self._has_spot(brace, closing):
                        levels.append(level)
                        level = _Level(head)
                    else:
                        self._end_block(level, head, closing, [(begin, closing)])
                        begin = closing + 1
                        number = partner
            else:
                _settle(level)
                if levels:
                    inside, level = level, levels.pop()
                    self._end_block(level, inside.start, brace, inside.silent)
                    begin = brace + 1
            number += 1
        return level.silent

    def _head(self, begin: int, brace: int) -> int:
        """Where the statement begins whose block opens at `brace`."""
        code = self._code
        head = code.rfind(b";", begin, brace) + 1 or begin
        while head > begin and (not self._is_balanced(head, brace) or _ELSE.match(code, head, brace) is not None):
            head = code.rfind(b";", begin, head - 1) + 1 or begin
        return head

    def _is_block(self, head: int, brace: int) -> bool:
        """Whether statements follow, and not values or members."""
        text = self._code[head:brace].rstrip()
        if text.endswith(b")"):
            return text.count(b"(") == text.count(b")") and _VALUE.search(text) is None
        if not text:
            # Braces in braces may be the values of a table.
            return self._code[head - 1] != _OPENING
        return text.endswith((b":", b"else", b"do"))

    def _end_block(self, level: _Level, head: int, closing: int, inner: list[Range]) -> None:
        stays = self._has_spot(head, closing)
        before = level.last
        if before is None:
            level.last = _Block(head, closing + 1, stays, inner)
        else:
            level.last = _Block(before.start, closing + 1, before.stays or stays, before.inner + inner)

    def _statement(self, level: _Level, begin: int, end: int) -> None:
        _settle(level)
        if not self._has_spot(begin, end):
            _add(level, begin, end)

    def _statements(self, level: _Level, begin: int, end: int) -> None:
        """Statements without blocks, which stand between two braces."""
        code, spots = self._code, self._spots
        last = level.last
        if last is not None:
            while begin < end and _CONTINUES.match(code, begin, end) is not None:
                after = self._end(begin, begin, end)
                last.stays = last.stays or self._has_spot(begin, after)
                last.end = begin = after
            if begin == end:
                return
            _settle(level)
        spot = spots[bisect_left(spots, begin)]
        while spot < end:
            start = code.rfind(b";", begin, spot) + 1 or begin
            while start > begin and (_ELSE.match(code, start) is not None or not self._is_balanced(begin, start)):
                start = code.rfind(b";", begin, start - 1) + 1 or begin
            _add(level, begin, start)
            begin = self._end(start, spot, end)
            spot = spots[bisect_left(spots, begin)]
        _add(level, begin, end)

    def _end(self, start: int, within: int, limit: int) -> int:
        """Behind the statement that begins at `start` and goes on at `within`; all of it has to be before `limit`."""
        end = self._code.find(b";", within, limit) + 1
        while end and not self._is_balanced(start, end):
            end = self._code.find(b";", end, limit) + 1
        if not end:
            raise _UnclearError
        return end

    def _is_balanced(self, start: int, end: int) -> bool:
        return self._code.count(b"(", start, end) == self._code.count(b")", start, end)

    def _has_spot(self, start: int, end: int) -> bool:
        return self._spots[bisect_left(self._spots, start)] < end


def _partners(code: bytes, braces: Sequence[int]) -> list[int]:
    """For each opening brace the number of the one that closes it; 0 for a closing one."""
    partners = [0] * len(braces)
    opened: list[int] = []
    for number, brace in enumerate(braces):
        if code[brace] == _OPENING:
            opened.append(number)
        elif opened:
            partners[opened.pop()] = number
        else:
            raise _UnclearError
    if opened:
        raise _UnclearError
    return partners


def _settle(level: _Level) -> None:
    """What has ended is not continued."""
    last = level.last
    if last is not None:
        level.last = None
        if last.stays:
            level.silent += last.inner
        else:
            _add(level, last.start, last.end)


def _add(level: _Level, start: int, end: int) -> None:
    silent = level.silent
    if silent and silent[-1][1] == start:
        silent[-1] = (silent[-1][0], end)
    elif start < end:
        silent.append((start, end))
