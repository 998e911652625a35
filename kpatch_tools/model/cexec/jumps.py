"""break, continue and goto, across the Python loops that stand for C's.

A C loop is a Python `while`; a `switch` that needs it, and a block with labels, are Python loops too. A jump out of
several of them sets a flag and breaks from the innermost; after each loop the flag is asked, and sends the jump on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .context import FunctionContext
from .emitter import Emitter, Line

Jump = tuple["Target", str, int]
"""Where to, how ("break", "continue", "goto"), and for goto which segment."""


@dataclass(slots=True, eq=False)
class Target:
    """A Python loop. `step` emits what `continue` has to do first; `labels` are its segments' numbers.

    `flag` is the variable that a jump passing through sets; for segments, the number of the next one to run.
    """

    kind: str
    flag: str
    step: Callable[[], None] | None = None
    labels: dict[str, int] = field(default_factory=dict)
    passing: list[tuple[int, Jump]] = field(default_factory=list)


class Jumps:
    """The loops around the statement under translation, innermost last."""

    def __init__(self, context: FunctionContext) -> None:
        self._context = context
        self._open: list[Target] = []
        self._codes = 0

    @property
    def _emitter(self) -> Emitter:
        # Another one while an expression is translated for its type only: its jumps must not reach the function.
        return self._context.emitter

    def loop(self, step: Callable[[], None] | None) -> Target:
        """A loop that `break` and `continue` mean."""
        return Target("loop", self._emitter.temporary("_j"), step)

    def once(self) -> Target:
        """A loop that runs once: a switch, which only `break` means."""
        return Target("once", self._emitter.temporary("_j"))

    def segments(self, labels: Sequence[str]) -> Target:
        """A block with labels; segment 0 is what precedes the first."""
        numbers = {label: number for number, label in enumerate(labels, 1)}
        return Target("segments", self._emitter.temporary("_pc"), labels=numbers)

    @contextmanager
    def around(self, target: Target) -> Iterator[None]:
        """The Python loop of `target` is emitted inside. After it, jumps that only passed through are sent on."""
        lines, start = self._emitter.lines, len(self._emitter.lines)
        self._open.append(target)
        try:
            yield
        finally:
            self._open.pop()
        if not target.passing:
            return
        flag = self._passing_flag(target)
        lines.insert(start, Line(self._emitter.indent, f"{flag}=0", self._emitter.row))
        for code, jump in target.passing:
            with self._emitter.block(f"if {flag}=={code}:"):
                self._go(jump)

    def leave(self) -> bool:
        """Emit `break`; False where nothing is there to break from."""
        for target in reversed(self._open):
            if target.kind != "segments":
                self._go((target, "break", 0))
                return True
        return False

    def repeat(self) -> bool:
        """Emit `continue`."""
        for target in reversed(self._open):
            if target.kind == "loop":
                self._go((target, "continue", 0))
                return True
        return False

    def goto(self, label: str) -> bool:
        """Emit `goto label`; False if no block around has it."""
        for target in reversed(self._open):
            if label in target.labels:
                self._go((target, "goto", target.labels[label]))
                return True
        return False

    def _passing_flag(self, target: Target) -> str:
        return f"{target.flag}_x"

    def _go(self, jump: Jump) -> None:
        emit = self._emitter.emit
        target, how, segment = jump
        innermost = self._open[-1]
        if innermost is target:
            if how == "goto":
                emit(f"{target.flag}={segment}")
                emit("continue")
            elif how == "continue":
                if target.step is not None:
                    target.step()
                emit("continue")
            else:
                emit("break")
            return
        self._codes += 1
        innermost.passing.append((self._codes, jump))
        emit(f"{self._passing_flag(innermost)}={self._codes}")
        emit("break")
