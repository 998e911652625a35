"""Which preprocessor conditionals a place in a file stands under, and whether an x86-64 build compiles it."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.syntax import Directive

X86_64: Mapping[str, bool] = {
    "CONFIG_X86_64": True,
    "CONFIG_64BIT": True,
    "CONFIG_X86_32": False,
    "CONFIG_X86_PAE": False,
}
"""The symbols that every x86-64 configuration settles."""

_DEFINED = re.compile(rb"(!?)\s*defined\s*\(?\s*(\w+)\s*\)?")


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a conditional. `opened_at` is the offset of the line of `#if` (or `#ifdef`, `#ifndef`) that opens
    the conditional, `at` of the directive that begins this branch. `test` is the text of this branch's condition."""

    opened_at: int
    at: int
    test: bytes
    state: bool | None


class Conditions:
    """The conditionals of one file. A condition that `symbols` do not settle counts as possible."""

    def __init__(self, directives: Sequence[Directive], symbols: Mapping[str, bool] = X86_64) -> None:
        self._starts = [0]
        self._stacks: list[tuple[Branch, ...]] = [()]
        stack: list[Branch] = []
        taken: list[bool | None] = []
        for directive in directives:
            at = directive.span.start
            if directive.name in ("if", "ifdef", "ifndef"):
                state = _state(directive, symbols)
                stack.append(Branch(at, at, directive.argument, state))
                taken.append(state)
            elif directive.name in ("elif", "else") and stack:
                own = True if directive.name == "else" else _state(directive, symbols)
                stack[-1] = Branch(stack[-1].opened_at, at, directive.argument, _and(_not(taken[-1]), own))
                taken[-1] = _or(taken[-1], own)
            elif directive.name == "endif" and stack:
                stack.pop()
                taken.pop()
            else:
                continue
            self._starts.append(directive.span.end)
            self._stacks.append(tuple(stack))

    def at(self, offset: int) -> tuple[Branch, ...]:
        """The branches around `offset`, outermost first."""
        return self._stacks[bisect_right(self._starts, offset) - 1]

    def compiled(self, offset: int) -> bool:
        """False where the configuration certainly leaves the text at `offset` out."""
        return all(branch.state is not False for branch in self.at(offset))

    def certain(self, offset: int) -> bool:
        """True where the configuration certainly compiles the text at `offset`."""
        return all(branch.state is True for branch in self.at(offset))


def _state(directive: Directive, symbols: Mapping[str, bool]) -> bool | None:
    if directive.constant is not None:
        return directive.constant
    if directive.name == "ifdef":
        return symbols.get(directive.argument.decode("ascii", "replace"))
    if directive.name == "ifndef":
        return _not(symbols.get(directive.argument.decode("ascii", "replace")))
    if (match := _DEFINED.fullmatch(directive.argument)) is not None:
        known = symbols.get(match.group(2).decode("ascii"))
        return _not(known) if match.group(1) else known
    return None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return True if left and right else None


def _or(left: bool | None, right: bool | None) -> bool | None:
    return _not(_and(_not(left), _not(right)))
