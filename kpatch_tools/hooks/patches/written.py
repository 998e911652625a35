"""What writing a hook comes to, for any kind of hook: complete new files with messages, or every reason why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource

from .edits import Edit, apply_edits
from .lacks import Lack
from .parts import HookPart


@dataclass(frozen=True, slots=True)
class Upstream:
    """The commit that a step follows, to be named in its message."""

    oid: ObjectId
    subject: str


@dataclass(frozen=True, slots=True)
class Step:
    """One commit's worth: complete new contents of each file it changes, and its message (no sign-off, no author)."""

    changes: Mapping[RepoPath, bytes]
    message: bytes


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """A part of the hook and the file it went to."""

    part: HookPart
    file: RepoPath


@dataclass(frozen=True, slots=True)
class Written:
    """The hook for one target. `changes` is the sum of `steps`, each of which builds on the one before."""

    changes: Mapping[RepoPath, bytes | None]
    steps: tuple[Step, ...]
    parts: tuple[PlacedPart, ...]

    @property
    def messages(self) -> tuple[bytes, ...]:
        return tuple(step.message for step in self.steps)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the hook cannot be written for a target: every reason, not only the first."""

    lacks: tuple[Lack, ...]


def changed(source: BlobSource, edits: Sequence[Edit]) -> dict[RepoPath, bytes]:
    """The complete new contents of the files that `edits` are about."""
    paths = dict.fromkeys(edit.file for edit in edits)
    return {
        path: apply_edits(source.read(path) or b"", [edit for edit in edits if edit.file == path]) for path in paths
    }


def placed_parts(edits: Sequence[Edit]) -> tuple[PlacedPart, ...]:
    """Each part and file once, in the order of the edits."""
    return tuple(dict.fromkeys(PlacedPart(edit.part, edit.file) for edit in edits))
