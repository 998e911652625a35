"""Which files a tree has below some folders, for many trees that have most in common.

Folders are taken by their ids, and each folder's answer is kept: of neighbouring commits only the few folders that
differ are read.
"""

from collections.abc import Callable, Iterable

from kpatch_tools.core.ids import ObjectId, RepoPath

from .objects import MODE_FOLDER, is_regular
from .objectstore import ObjectStore

Files = tuple[tuple[RepoPath, ObjectId], ...]


class Gathering:
    """The regular files below `folders` that `keep` wants, given a file's name and its blob."""

    def __init__(self, store: ObjectStore, folders: Iterable[str], keep: Callable[[str, ObjectId], bool]) -> None:
        self._store = store
        self._folders = tuple(dict.fromkeys(folder.strip("/") for folder in folders))
        self._keep = keep
        self._known: dict[tuple[ObjectId, str], Files] = {}
        self._tops: dict[ObjectId, Files] = {}

    def of(self, tree: ObjectId) -> Files:
        """Paths and blobs in the root tree `tree`: folder by folder, in tree order."""
        known = self._tops.get(tree)
        if known is None:
            known = self._tops[tree] = tuple(row for folder in self._folders for row in self._top(tree, folder))
        return known

    def _top(self, tree: ObjectId, folder: str) -> Files:
        if not folder:
            return self._below(tree, "")
        entry = self._store.entry(tree, folder)
        if entry is None:
            return ()
        if entry.mode == MODE_FOLDER:
            return self._below(entry.oid, folder + "/")
        wanted = is_regular(entry.mode) and self._keep(folder.rpartition("/")[2], entry.oid)
        return ((RepoPath(folder), entry.oid),) if wanted else ()

    def _below(self, folder: ObjectId, prefix: str) -> Files:
        known = self._known.get((folder, prefix))
        if known is not None:
            return known
        rows: list[tuple[RepoPath, ObjectId]] = []
        for raw, entry in self._store.tree(folder).items():
            name = raw.decode("utf-8", "surrogateescape")
            if entry.mode == MODE_FOLDER:
                rows += self._below(entry.oid, f"{prefix}{name}/")
            elif is_regular(entry.mode) and self._keep(name, entry.oid):
                rows.append((RepoPath(prefix + name), entry.oid))
        found = self._known[folder, prefix] = tuple(rows)
        return found
