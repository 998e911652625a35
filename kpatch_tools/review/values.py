"""What a review is about and what it says: the values that inputs make and renderers read.

Everything received is untrusted text: nothing here is a path of this machine, and nothing is ever executed.
"""

from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import Patch


@dataclass(frozen=True, slots=True)
class Submission:
    """One series as it was sent. `patches` in the order of its numbers; a lone patch is a series of one.

    `version`: 1 for a first sending. `message_id`, `references`, `sender`, `subject`: of the cover letter, else of the
    first patch; "" where there was no mail. `named_base`: what a base-commit trailer says, "" for nothing. `cover` is
    the cover letter's text. `trailers` are those that replies added, by the number of the patch (0: the whole series).
    """

    subject: str
    patches: tuple[Patch, ...]
    version: int = 1
    message_id: str = ""
    references: tuple[str, ...] = ()
    sender: str = ""
    named_base: str = ""
    cover: str = ""
    trailers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was received and is no submission (a reply, a pull request, …), and the word for it."""

    what: str
    reason: str


class BaseReason(StrEnum):
    """Why a base was chosen, best first."""

    NAMED = "base-commit"
    USER = "named-by-user"
    BLOBS = "blob-ids"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Base:
    """One candidate to apply a series to. `matched` of `wanted` pre-image blobs are in it."""

    revision: str
    commit: ObjectId
    reason: BaseReason
    matched: int
    wanted: int


@dataclass(frozen=True, slots=True)
class PatchPlace:
    """Where a finding is in the patch itself: 1-based line of the mail's diff text, and the hunk's header."""

    line: int
    hunk: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding with its place in the patch (None: it is about no line that the patch has) and what it says of time.

    `old`: the base had it already. `fixed_by`: the number of the later patch of the series that mends it, 0 for none.
    """

    finding: Finding
    place: PatchPlace | None = None
    old: bool = False
    fixed_by: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is held against the patch."""
        return not self.old and not self.fixed_by


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One patch with what was found. `number` is 1-based. `applies`: "" or the machine-readable cause why not."""

    number: int
    patch: Patch
    findings: tuple[Placed, ...]
    applies: str = ""
    touched: tuple[RepoPath, ...] = ()

    @property
    def status(self) -> Status:
        """The worst status that is held against the patch; PASS where nothing is."""
        return max((one.finding.status for one in self.findings if one.counts), default=Status.PASS)


@dataclass(frozen=True, slots=True)
class Review:
    """A series reviewed on a base. `bases` are all candidates, best first, `base` the one used (None: none fits)."""

    submission: Submission
    base: Base | None
    bases: tuple[Base, ...]
    patches: tuple[Reviewed, ...]

    @property
    def status(self) -> Status:
        return max((patch.status for patch in self.patches), default=Status.ERROR)
