"""What stands in the way of a file: a link, a submodule, a folder, or a file where a folder would have to be.

A source shows regular files only, so that nothing else is ever read or followed. Before a file is put anywhere it must
be asked what the source does not show.
"""

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.tree import TreeAt

_SPECIAL = {0o120000: "a symbolic link", 0o160000: "a submodule"}


def special_at(source: BlobSource, path: RepoPath) -> str | None:
    """What the tree below `source` has at `path`, or at a folder of it, that is neither file nor folder; None if
    nothing of the kind. Sources that are no git tree have none.

    Reads as the end of a sentence: "README is a symbolic link".
    """
    tree = source
    while isinstance(tree, Overlay):
        tree = tree.base
    if not isinstance(tree, TreeAt):
        return None
    for place in (*_folders(path), path):
        kind = _SPECIAL.get((tree.mode(place) or 0) & 0o170000)
        if kind is not None:
            return f"{place} is {kind}"
    return None


def obstacle(source: BlobSource, path: RepoPath) -> str | None:
    """Why `source` cannot have a new file at `path` (a file that is there already is none of the reasons)."""
    special = special_at(source, path)
    if special is not None:
        return special
    for place in _folders(path):
        if source.read(place) is not None:
            return f"{place} is a file"
    # Whatever lies at or below the path: the file itself, else the contents of a folder.
    return f"{path} is a folder" if next(source.paths(path), path) != path else None


def _folders(path: RepoPath) -> tuple[RepoPath, ...]:
    parts = path.split("/")
    return tuple(RepoPath("/".join(parts[:depth])) for depth in range(1, len(parts)))
