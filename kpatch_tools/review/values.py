"""What a review is about and what it says: the values that inputs make and renderers read.

Everything received is untrusted text: nothing here is a path of this machine, and nothing is ever executed.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from kpatch_tools.core.finding import Finding, Status, worst
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import FileDiff, Hunk, Patch

from .envelope import Envelope

COMPLETE = "series-complete"
"""The id of the finding that patches of a series did not arrive."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One patch of a series. `number` is 1-based; `name` says where it came from, for people."""

    number: int
    patch: Patch
    envelope: Envelope = field(default_factory=Envelope)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A letter that should be a patch and is not: `code` is stable, `message` a sentence."""

    number: int
    subject: str
    code: str
    message: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One series as it was sent; a lone patch is a series of one.

    `patches` are in the order of their numbers, each number once. `unreadable` are letters of the series of whose diff
    no patch could be made, and `missing` the numbers that did not arrive. `envelope` is the cover letter's, else the
    first patch's; `cover` the cover letter's text, "" without one. `named_base`: what a base-commit line says, "" for
    nothing. `trailers` are those that replies gave, by the number of the patch (0: the whole series). `names` are those
    of all its letters.
    """

    subject: str
    patches: tuple[Sent, ...]
    version: int = 1
    envelope: Envelope = field(default_factory=Envelope)
    named_base: str = ""
    cover: str = ""
    trailers: tuple[tuple[int, str], ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    missing: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was received and is no submission (a reply, a pull request, …), and the word for it."""

    name: str
    subject: str
    reason: str


class BaseReason(StrEnum):
    """Why a base was chosen, best first."""

    NAMED = "base-commit"
    USER = "named-by-user"
    PARENT = "parent"
    BLOBS = "blob-ids"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Base:
    """One candidate to apply a series to. `matched` of `wanted` pre-image blobs are in it, by their ids."""

    revision: str
    commit: ObjectId
    reason: BaseReason
    matched: int
    wanted: int


@dataclass(frozen=True, slots=True)
class PatchPlace:
    """Where a finding is in the patch itself: indices from 0 of the file, its hunk, and the hunk's line."""

    file: int
    hunk: int
    row: int

    def hunk_of(self, patch: Patch) -> tuple[FileDiff, Hunk]:
        """The file's diff, and the hunk."""
        diff = patch.files[self.file]
        return diff, diff.hunks[self.hunk]


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding with its place in the patch (None: it is about no line that the patch has) and what it says of time.

    `old`: the base had it already. `fixed_by`: the number of the later patch of the series that mends it, 0 for none.
    `ignored`: why the project does not want to hear of it, "" if it does.
    """

    finding: Finding
    place: PatchPlace | None = None
    old: bool = False
    fixed_by: int = 0
    ignored: str = ""

    @property
    def excuse(self) -> str:
        """Why it is not held against the patch; "" where it is."""
        if self.old:
            return "the base has it already"
        if self.fixed_by:
            return f"mended by patch {self.fixed_by}"
        return f"ignored: {self.ignored}" if self.ignored else ""

    @property
    def counts(self) -> bool:
        """Whether it is held against the patch."""
        return not self.excuse


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One patch with what was found. `applies`: "" or the machine-readable cause why not."""

    sent: Sent
    findings: tuple[Placed, ...]
    applies: str = ""
    touched: tuple[RepoPath, ...] = ()

    @property
    def status(self) -> Status:
        """The worst status that is held against the patch; ERROR where nothing was said of it at all."""
        if not self.findings:
            return Status.ERROR
        return max((one.finding.status for one in self.findings if one.counts), default=Status.PASS)


@dataclass(frozen=True, slots=True)
class Review:
    """A series reviewed on a base. `bases` are all candidates, best first, `base` the one used (None: none fits).

    `nearest`: where the series would apply, if it does not on `base`; None if nowhere that was tried. `general` are
    findings about the series as a whole.
    """

    submission: Submission
    base: Base | None
    bases: tuple[Base, ...]
    patches: tuple[Reviewed, ...]
    nearest: Base | None = None
    general: tuple[Finding, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of all patches and of the series; ERROR where there is nothing."""
        statuses = [patch.status for patch in self.patches]
        if self.general:
            statuses.append(worst(self.general))
        return max(statuses, default=Status.ERROR)
