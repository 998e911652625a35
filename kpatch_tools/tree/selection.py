"""What a tree has at chosen paths, as one comparable text.

Folders are compared by their ids from the root down, and each folder's answer is kept: of neighbouring commits only
the few folders that differ are read.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from kpatch_tools.core.ids import ObjectId, RepoPath

from .objects import FOLDER_MODES, is_regular
from .objectstore import ObjectStore

_ABSENT = b"-" * 20
_NOTHING = (b"", b"")


@dataclass(slots=True, eq=False)
class _Folder:
    """What is chosen of one folder; hashed by identity, one for each path."""

    files: list[bytes] = field(default_factory=list)
    folders: dict[bytes, "_Folder"] = field(default_factory=dict)


class Selection:
    """Tells trees apart by the regular files at `paths`, and by nothing else."""

    def __init__(self, store: ObjectStore, paths: Iterable[RepoPath]) -> None:
        self._store = store
        self._chosen = _Folder()
        self._known: dict[tuple[bytes, _Folder], bytes] = {}
        for path in dict.fromkeys(paths):
            *folders, name = path.encode("utf-8", "surrogateescape").split(b"/")
            current = self._chosen
            for folder in folders:
                current = current.folders.setdefault(folder, _Folder())
            current.files.append(name)

    def of(self, tree: ObjectId) -> str:
        """A text that two root trees share exactly if each chosen path has the same contents, or no file, in both."""
        return self._folder(bytes.fromhex(tree), self._chosen).hex()

    def _folder(self, oid: bytes, chosen: _Folder) -> bytes:
        """What is chosen of a folder; an empty `oid` is a folder that does not exist."""
        known = self._known.get((oid, chosen))
        if known is None:
            entries = self._store.scan(ObjectId(oid.hex())) if oid else {}
            digest = hashlib.sha1(usedforsecurity=False)
            for name in chosen.files:
                mode, blob = entries.get(name, _NOTHING)
                digest.update(blob if mode and is_regular(int(mode, 8)) else _ABSENT)
            for name, below in chosen.folders.items():
                mode, folder = entries.get(name, _NOTHING)
                digest.update(self._folder(folder if mode in FOLDER_MODES else b"", below))
            known = self._known[oid, chosen] = digest.digest()
        return known
