"""What Xen promises a PV guest about page tables, each promise as a small guest that asks and knows the answer.

In the manner of the Xen Test Framework, but run against the modelled rules: the promises are what a reader can check
against Xen, and what has to hold before a verdict about a kernel means anything.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.model.xen.recording import recording
from kpatch_tools.model.xen.refusal import RuleId

from . import mappings, pins, traps, updates
from .guest import Answer, CaseGuest

__all__ = ["CASES", "Answer", "Case", "CaseGuest", "CaseResult", "run_case"]


@dataclass(frozen=True, slots=True)
class Case:
    """`promise` is what is promised, in a sentence; `advisory` the Xen security advisory it comes from, or empty."""

    id: str
    promise: str
    drive: Callable[[CaseGuest], None]
    advisory: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Every answer in order, and how often each rule was applied (those of the guest's creation not counted)."""

    case: Case
    answers: tuple[Answer, ...]
    rules: Counter[RuleId]

    @property
    def wrong(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if not answer.ok)


def run_case(case: Case) -> CaseResult:
    """Drive a new guest through the case."""
    guest = CaseGuest()
    with recording() as rules:
        case.drive(guest)
    return CaseResult(case, tuple(guest.answers), rules)


def _case(drive: Callable[[CaseGuest], None]) -> Case:
    """A case from its function: its name is the id, its docstring the promise, "XSA-n: " in front the advisory."""
    text = " ".join((drive.__doc__ or "").split())
    advisory, separator, promise = text.partition(": ")
    if not (separator and advisory.startswith("XSA-")):
        advisory, promise = "", text
    return Case(drive.__name__.replace("_", "-"), promise, drive, advisory)


CASES: tuple[Case, ...] = tuple(
    _case(drive) for module in (mappings, pins, updates, traps) for drive in module.PROMISES
)
