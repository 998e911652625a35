"""What one job found out, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath

from .outcome import Evidence, HunkResult, Outcome, RelatedCommit
from .verdicts import ModelResult

NOT_RUN = ModelResult()


@dataclass(frozen=True, slots=True)
class Part:
    """One commit of the result: complete new blobs (None deletes) on top of the part before, and its message.

    `modes` holds the file modes that it sets; all others stay.
    """

    changes: Mapping[RepoPath, bytes | None]
    message: bytes
    modes: Mapping[RepoPath, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """`parts` is the result in the order to commit it; on a conflict it is what could be done, `clean` is False."""

    outcome: Outcome
    reason: str
    evidence: tuple[Evidence, ...] = ()
    prerequisites: tuple[RelatedCommit, ...] = ()
    followups: tuple[RelatedCommit, ...] = ()
    hunks: tuple[HunkResult, ...] = ()
    checks: tuple[Finding, ...] = ()
    control: ModelResult = NOT_RUN
    patched: ModelResult = NOT_RUN
    plan: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    clean: bool = True
