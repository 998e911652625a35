"""The subject of a backport once it is found: a commit's or a patch's change, in one form."""

from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, Patch


@dataclass(frozen=True, slots=True)
class Change:
    """A change to carry.

    `commit` is None for a patch. `before` and `after` are upstream's versions around it, None for a patch whose blobs
    are not in the repository: it is then carried by its text alone.
    """

    subject: str
    message: bytes
    files: tuple[FileDiff, ...]
    commit: ObjectId | None
    before: BlobSource | None
    after: BlobSource | None

    @property
    def touched(self) -> tuple[RepoPath, ...]:
        """Every path the change names, old ones first where it renames."""
        paths = [path for file in self.files for path in (file.old_path, file.new_path) if path is not None]
        return tuple(dict.fromkeys(paths))


def change_of_patch(patch: Patch) -> Change:
    return Change(patch.subject, patch.message, patch.files, None, None, None)
