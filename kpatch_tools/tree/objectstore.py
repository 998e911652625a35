"""Reading objects of one repository: the one place that asks pygit2 for bytes."""

from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId

from .listing import FileLists
from .objects import FOLDER_MODES, CommitData, TreeEntry, is_regular, parse_commit, parse_lineage, scan_tree, tree_rows
from .recent import Recent
from .search import BlobSearch
from .words import BlobWords

_SCANNED = 300_000  # entries of folders
_ROWS = 200_000  # the same
_COMMITS = 20_000
_BLOBS = 8 << 20  # bytes
_IDS, _EMPTY = 32 << 20, 200  # bytes; what an answer without any takes


def common_folder(repository: pygit2.Repository) -> Path:
    """The folder of objects and refs; for a linked work tree, that of the main repository."""
    folder = Path(repository.path)
    common = folder / "commondir"
    return folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder


class ObjectStore:
    """Objects by id, with the trees read last kept parsed (they are shared by neighbouring commits)."""

    def __init__(
        self, repository: pygit2.Repository, *, elsewhere: Path | None = None, cache: Path | None = None
    ) -> None:
        """New objects go to the folder `elsewhere`, if one is given, and are read from there as well. What was read
        out of many blobs is kept in the folder `cache` for the next run, if one is given."""
        self.repository = repository
        self.elsewhere = elsewhere
        self.cache = cache
        if elsewhere is not None:
            # Ahead of the repository's own backends: libgit2 writes to the first that takes it.
            repository.odb.add_backend(pygit2.OdbBackendLoose(str(elsewhere), -1, False), 99)
            if (elsewhere / "pack").is_dir():
                # What git holds back while a push is judged may have come as a pack.
                repository.odb.add_backend(pygit2.OdbBackendPack(str(elsewhere)), 98)
        self.search = BlobSearch(repository)
        self.words = BlobWords(repository, cache)
        self.files = FileLists(lambda folder: self.scan(ObjectId(folder.hex())), cache)
        self._blobs: Recent[ObjectId, bytes] = Recent(_BLOBS)
        self._roots: Recent[ObjectId, ObjectId] = Recent(_COMMITS)
        self._scans: Recent[ObjectId, dict[bytes, tuple[bytes, bytes]]] = Recent(_SCANNED)
        self._rows: Recent[ObjectId, frozenset[bytes]] = Recent(_ROWS)
        self._ids: Recent[tuple[bytes, tuple[bytes, ...]], bytes] = Recent(_IDS)

    def reopened(self, *, elsewhere: Path | None = None) -> "ObjectStore":
        """Another handle on the same repository; new objects go to `elsewhere`, if it is given, instead."""
        repository = pygit2.Repository(self.repository.path)
        return ObjectStore(repository, elsewhere=elsewhere or self.elsewhere, cache=self.cache)

    def kind(self, oid: ObjectId) -> ObjectType:
        """What `oid` is; KpatchError missing-object if it is not here."""
        return ObjectType(self._read(oid)[0])

    def blob(self, oid: ObjectId) -> bytes:
        """Those read last are kept: a few files of a change are asked for again and again."""
        known = self._blobs.get(oid)
        if known is None:
            known = self.blob_once(oid)
            self._blobs.add(oid, known, len(known))
        return known

    def blob_once(self, oid: ObjectId) -> bytes:
        """The same where it will not be asked for soon again."""
        return self._read(oid)[1]

    def commit(self, oid: ObjectId) -> CommitData:
        commit = parse_commit(oid, self._commit_data(oid))
        self._roots.add(oid, commit.tree, 1)
        return commit

    def lineage(self, oid: ObjectId) -> tuple[int, tuple[ObjectId, ...]]:
        """When it was committed, and on what; see `parse_lineage`. KpatchError as `commit`."""
        return parse_lineage(self._commit_data(oid))

    def _commit_data(self, oid: ObjectId) -> bytes:
        try:
            kind, data = self._read(oid)
        except KpatchError as error:
            raise (self.cut_off() if self.repository.is_shallow else error) from error
        if kind != ObjectType.COMMIT:
            raise KpatchError("not-a-commit", f"{oid} is a {ObjectType(kind).name.lower()}, not a commit")
        return data

    @staticmethod
    def cut_off() -> KpatchError:
        """The error for an answer that lies beyond the end of a shallow clone."""
        return KpatchError(
            "shallow-history",
            "this clone is shallow, and its history ends before the answer",
            hint="fetch the rest of the history: git fetch --unshallow --tags",
        )

    def boundary(self) -> frozenset[str]:
        """The commits of a shallow clone whose parents were left out; empty for any other repository."""
        if not self.repository.is_shallow:
            return frozenset()
        file = common_folder(self.repository) / "shallow"
        return frozenset(file.read_text(encoding="ascii").split()) if file.is_file() else frozenset()

    def tree(self, oid: ObjectId) -> dict[bytes, TreeEntry]:
        """The entries of a folder."""
        return {name: TreeEntry(int(mode, 8), ObjectId(raw.hex())) for name, (mode, raw) in self.scan(oid).items()}

    def entry(self, root: ObjectId, path: str) -> TreeEntry | None:
        """The entry at `path` below the tree `root`; None if there is none."""
        current = root
        *folders, name = path.encode("utf-8", "surrogateescape").split(b"/")
        for folder in folders:
            found = self.scan(current).get(folder)
            if found is None or found[0] not in FOLDER_MODES:
                return None
            current = ObjectId(found[1].hex())
        found = self.scan(current).get(name)
        return None if found is None else TreeEntry(int(found[0], 8), ObjectId(found[1].hex()))

    def ids_below(self, oid: ObjectId, suffixes: tuple[str, ...]) -> list[bytes]:
        """The blobs of the regular files below a folder whose names end in one of `suffixes`, as 20 bytes each."""
        ids = self._ids_below(bytes.fromhex(oid), tuple(suffix.encode() for suffix in suffixes))
        return [ids[start : start + 20] for start in range(0, len(ids), 20)]

    def _ids_below(self, oid: bytes, suffixes: tuple[bytes, ...]) -> bytes:
        known = self._ids.get((oid, suffixes))
        if known is not None:
            return known
        found: list[bytes] = []
        for name, (mode, blob) in scan_tree(self._tree_data(ObjectId(oid.hex()))).items():
            if mode in FOLDER_MODES:
                found.append(self._ids_below(blob, suffixes))
            elif name.endswith(suffixes) and is_regular(int(mode, 8)):
                found.append(blob)
        ids = b"".join(found)
        return self._ids.add((oid, suffixes), ids, len(ids) + _EMPTY)

    def scan(self, oid: ObjectId) -> dict[bytes, tuple[bytes, bytes]]:
        """The entries of a folder as git has them, unconverted (see `scan_tree`); callers must not change them."""
        known = self._scans.get(oid)
        if known is not None:
            return known
        entries = scan_tree(self._tree_data(oid))
        return self._scans.add(oid, entries, len(entries))

    def rows(self, oid: ObjectId) -> frozenset[bytes]:
        """The entries of a folder to compare with those of another one (see `tree_rows`)."""
        known = self._rows.get(oid)
        if known is not None:
            return known
        rows = tree_rows(self._tree_data(oid))
        return self._rows.add(oid, rows, len(rows))

    def _tree_data(self, oid: ObjectId) -> bytes:
        kind, data = self._read(oid)
        if kind != ObjectType.TREE:
            raise KpatchError("not-a-tree", f"{oid} is a {ObjectType(kind).name.lower()}, not a tree")
        return data

    def root_tree(self, oid: ObjectId) -> ObjectId:
        """The tree of a commit, or `oid` itself if it is a tree."""
        known = self._roots.get(oid)
        if known is not None:
            return known
        try:
            kind, data = self._read(oid)
        except KpatchError as error:
            raise (self.cut_off() if self.repository.is_shallow else error) from error
        if kind == ObjectType.TREE:
            return oid
        if kind == ObjectType.COMMIT:
            return self._roots.add(oid, parse_commit(oid, data).tree, 1)
        raise KpatchError("not-a-commit", f"{oid} is a {ObjectType(kind).name.lower()}, not a commit or tree")

    def _read(self, oid: ObjectId) -> tuple[int, bytes]:
        try:
            return self.repository.read(oid)
        except (KeyError, ValueError) as error:
            raise KpatchError(
                "missing-object",
                f"object {oid} is not in this repository",
                hint="fetch it: git fetch --unshallow, or git fetch --refetch in a partial clone",
            ) from error
