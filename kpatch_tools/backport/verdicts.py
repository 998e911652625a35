"""What model runs say of one version of the code, as the main job weighs it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Best first. NOT_RUN is no verdict: there is a reason beside it, and it never counts as OK."""

    OK = "OK"
    NOT_RUN = "not-run"
    UNDETERMINED = "UNDETERMINED"
    LEAK = "LEAK"
    UNRESERVED = "UNRESERVED"
    RO_LEFT_OVER = "RO-LEFT-OVER"
    CRASH = "CRASH"

    @property
    def faults(self) -> bool:
        """Whether the machine refused something: a verdict about the code, not about us."""
        return self in (Verdict.LEAK, Verdict.UNRESERVED, Verdict.RO_LEFT_OVER, Verdict.CRASH)


_ORDER = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class LayoutVerdict:
    """One run on one memory layout. `why` is the fault or the reason, empty for OK."""

    layout: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class ModelResult:
    """The runs of one version of the code. `why` says why there are none."""

    runs: tuple[LayoutVerdict, ...] = ()
    why: str = "not asked for"

    @property
    def verdict(self) -> Verdict:
        """The worst of all layouts; a fault on one is a fault, whatever the others could not tell."""
        return max((run.verdict for run in self.runs), key=_ORDER.index, default=Verdict.NOT_RUN)

    @property
    def faulting(self) -> tuple[str, ...]:
        """The layouts that fault."""
        return tuple(run.layout for run in self.runs if run.verdict.faults)

    def describe(self) -> str:
        """One line for people."""
        if not self.runs:
            return f"not run: {self.why}"
        worst = [run for run in self.runs if run.verdict is self.verdict]
        if self.verdict is Verdict.OK:
            return f"OK on {len(self.runs)} layouts"
        detail = f": {worst[0].why}" if worst[0].why else ""
        return f"{self.verdict} on {', '.join(run.layout for run in worst)}{detail}"
