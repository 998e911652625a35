"""All files below a folder, whose lists neighbouring commits share, and runs, if there is a folder to keep them in.

A kernel has 30,000 files in 2,300 folders; a commit changes half a dozen of those.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from .kept import Kept
from .objects import FOLDER_MODES, is_regular
from .recent import Recent

_IN_MEMORY = 300_000  # files
_LONG = 2_500  # files; longer lists are put together from their folders' each time
_SHORT = 256  # files; longer ones change with too many commits to be kept between runs
_ON_DISK = 64 << 20  # bytes
_FILE = "files-1.sqlite"
_KEPT = re.compile(rb"(.{20})([^\0]*)\0", re.DOTALL)

Files = list[tuple[str, bytes]]
"""Paths from the folder, in tree order, with their blobs' ids as 20 bytes."""
Scan = Callable[[bytes], Mapping[bytes, tuple[bytes, bytes]]]
"""The entries of a folder, by its id of 20 bytes: name to (mode in octal digits, id)."""


class FileLists:
    """Lists the regular files below folders that `scan` reads."""

    def __init__(self, scan: Scan, folder: Path | None) -> None:
        self._scan = scan
        self._known: Recent[bytes, Files] = Recent(_IN_MEMORY)
        self._kept = None if folder is None else Kept(folder / _FILE, most=_ON_DISK)

    def below(self, folder: bytes) -> Files:
        """Callers must not change it."""
        known = self._known.get(folder)
        if known is not None:
            return known
        if self._kept is not None:
            self._load(folder, self._kept)
        return self._listed(folder)

    def _load(self, folder: bytes, kept: Kept) -> None:
        """Get at hand what is kept of a folder and of those below it, a level at a time."""
        waiting = [folder]
        while waiting:
            loaded = kept.load(waiting)
            for oid, data in loaded.items():
                self._add(oid, [(path.decode("utf-8", "surrogateescape"), blob) for blob, path in _KEPT.findall(data)])
            entries = [entry for oid in waiting if oid not in loaded for entry in self._scan(oid).values()]
            below = dict.fromkeys(oid for mode, oid in entries if mode in FOLDER_MODES)
            waiting = [oid for oid in below if self._known.get(oid) is None]

    def _listed(self, folder: bytes) -> Files:
        known = self._known.get(folder)
        if known is not None:
            return known
        found: Files = []
        for name, (mode, oid) in self._scan(folder).items():
            spelled = name.decode("utf-8", "surrogateescape")
            if mode in FOLDER_MODES:
                found += [(f"{spelled}/{path}", blob) for path, blob in self._listed(oid)]
            elif is_regular(int(mode, 8)):
                found.append((spelled, oid))
        if self._kept is not None and len(found) <= _SHORT:
            rows = (b"%b%b\0" % (blob, path.encode("utf-8", "surrogateescape")) for path, blob in found)
            self._kept.add(folder, b"".join(rows))
        return self._add(folder, found)

    def _add(self, folder: bytes, files: Files) -> Files:
        return self._known.add(folder, files, len(files) + 1) if len(files) <= _LONG else files
