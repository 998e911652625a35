"""What a sweep keeps of one boot."""

from dataclasses import dataclass

from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import ModelRun

FaultClass = tuple[Verdict, str]
"""What counts as the same failure: a verdict and a fault's kind ("" where there is none)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict of one layout; `kind`, `stage` and `message` of its fault, or the `message` why there is none."""

    verdict: Verdict
    kind: str = ""
    stage: str = ""
    message: str = ""

    @property
    def fault_class(self) -> FaultClass:
        return self.verdict, self.kind

    @property
    def is_fault(self) -> bool:
        return self.verdict not in (Verdict.OK, Verdict.UNDETERMINED, Verdict.NOT_RUN)


def outcome_of(run: ModelRun) -> Outcome:
    if run.fault is None:
        return Outcome(run.verdict, stage=run.stage, message=run.reason)
    return Outcome(run.verdict, run.fault.kind, run.fault.stage, run.fault.message)
