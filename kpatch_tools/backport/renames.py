"""What the target calls the files of a change."""

from collections.abc import Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, TreeAt

from .change import Change


def find_renames(tree: KernelTree, change: Change, *, target: TreeAt) -> Mapping[RepoPath, RepoPath]:
    """Upstream's paths that the target lacks, to the target's: by git's rename detection between the two versions.

    Empty for a bare patch, whose upstream version is not known.
    """
    if not isinstance(change.before, TreeAt):
        return {}
    renames: dict[RepoPath, RepoPath] = {}
    for file in change.files:
        path = file.old_path
        if path is None or target.blob_id(path) is not None or change.before.blob_id(path) is None:
            continue
        there = tree.rename_of(path, old=change.before.oid, new=target.oid)
        if there is not None:
            renames[path] = there
            if file.new_path is not None:
                renames[file.new_path] = there
    return renames
