"""What a backport came to: the closed sets and values that every later step speaks in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId, RepoPath


class Outcome(StrEnum):
    """The answer of the main job. Values are the spellings of the command line's contract."""

    BACKPORTED = "backported"
    ALREADY_PRESENT = "already-present"
    PARTIALLY_PRESENT = "partially-present"
    NOT_AFFECTED = "not-affected"
    SUPERSEDED = "superseded"
    NEEDS_PREREQUISITE = "needs-prerequisite"
    CONFLICT = "conflict"
    UNDETERMINED = "undetermined"


EvidenceId = Literal[
    "ancestor",
    "upstream-reference",
    "same-subject",
    "same-patch-id",
    "reverted",
    "code-present",
    "code-absent",
    "code-changed",
    "code-gone",
    "cause-present",
    "cause-absent",
    "cause-unknown",
    "features",
    "model",
    "checks",
    "origin",
    "history-missing",
    "search",
    "incomplete-patch",
    "repaired",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One statement an outcome rests on.

    `id` is stable. `file` and `line` (1-based, in the target) are None where the statement is not about a place, and
    `commit` where it is not about one.
    """

    id: EvidenceId
    message: str
    file: RepoPath | None = None
    line: int | None = None
    commit: ObjectId | None = None


Kind = Literal["prerequisite", "incidental", "followup"]
State = Literal["missing", "present", "folded-in"]


@dataclass(frozen=True, slots=True)
class RelatedCommit:
    """An upstream commit that belongs with the subject. `state` is judged by the target's code, not by its history."""

    commit: ObjectId
    subject: str
    kind: Kind
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class HunkResult:
    """How one hunk came to stand in the target.

    `file` is where it went (or should have gone) in the target, `number` its place (1-based) among the hunks of that
    file upstream, `line` where it stands in the result (1-based), None when it does not. `guard` is the id of the rule
    that refused it although its lines could be put in; empty where none did.
    """

    file: RepoPath
    number: int
    kind: HunkClass
    why: str
    line: int | None = None
    guard: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """A change carried to a target in memory: complete new blobs, and how each hunk got there.

    `changes` holds what could be done even when something could not (`clean` False): a starting point for a person.
    `renamed` maps upstream's paths to the target's where they differ; `modes` holds those that the change sets.
    """

    changes: Mapping[RepoPath, bytes | None]
    hunks: tuple[HunkResult, ...]
    renamed: Mapping[RepoPath, RepoPath]
    modes: Mapping[RepoPath, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return all(hunk.kind is not HunkClass.NEEDS_HUMAN for hunk in self.hunks)
