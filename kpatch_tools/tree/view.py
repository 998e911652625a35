"""One version of the source tree, read from git objects."""

from collections.abc import Iterable, Iterator

from kpatch_tools.core.ids import ObjectId, RepoPath

from .objects import MODE_FOLDER, TreeEntry, is_regular
from .objectstore import ObjectStore
from .search import SearchResult


class TreeAt:
    """A BlobSource over one tree. `oid` is what it was opened at (a commit or a tree), `tree` the root tree."""

    def __init__(self, store: ObjectStore, oid: ObjectId) -> None:
        self._store = store
        self.oid = oid
        self.tree = store.root_tree(oid)

    def reopened(self) -> "TreeAt":
        """The same tree by a handle of its own: a forked process must not share its parent's."""
        return TreeAt(self._store.reopened(), self.oid)

    def read(self, path: RepoPath) -> bytes | None:
        """The bytes of the regular file at `path`; None if there is none (symlinks and submodules are not files)."""
        blob = self.blob_id(path)
        return None if blob is None else self._store.blob(blob)

    def blob_id(self, path: RepoPath) -> ObjectId | None:
        """The id of the regular file at `path`, without reading it; None if there is none."""
        entry = self._entry(path)
        return entry.oid if entry is not None and is_regular(entry.mode) else None

    def mode(self, path: RepoPath) -> int | None:
        """The mode of whatever is at `path` (0o100644, 0o120000, 0o040000 …); None if nothing is."""
        entry = self._entry(path)
        return None if entry is None else entry.mode

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        """Every regular file at or below the given folders or files, each once, in tree order; no prefix means all."""
        return (path for path, _ in self._files(*prefixes))

    def entries(self, *prefixes: str) -> Iterator[tuple[RepoPath, ObjectId]]:
        """As `paths`, with the blob ids."""
        return ((path, ObjectId(blob.hex())) for path, blob in self._files(*prefixes))

    def _files(self, *prefixes: str) -> Iterator[tuple[RepoPath, bytes]]:
        """The same with the ids as 20 bytes: of thousands of files that are listed, few are read."""
        wanted = {prefix.strip("/") for prefix in prefixes}
        if not wanted or "" in wanted:
            yield from self._below(self.tree, "")
            return
        outermost = [path for path in wanted if not any(path.startswith(other + "/") for other in wanted)]
        found = [(path, entry) for path in outermost if (entry := self._entry(path)) is not None]
        for path, entry in sorted(found, key=_tree_order):
            if entry.mode == MODE_FOLDER:
                yield from self._below(entry.oid, path + "/")
            elif is_regular(entry.mode):
                yield RepoPath(path), bytes.fromhex(entry.oid)

    def blobs(self, ids: Iterable[ObjectId]) -> Iterator[bytes]:
        """The contents of many blobs, in the order asked for."""
        return map(self._store.blob_once, ids)

    def search(self, needle: bytes, *prefixes: str, suffixes: tuple[str, ...] = ()) -> SearchResult:
        """The files at or below `prefixes`, of those whose name ends in one of `suffixes`, that contain `needle`.

        As git grep -F: much faster than reading every file, and faster still for revisions that share files with one
        searched before.
        """
        entries = [entry for entry in self.entries(*prefixes) if not suffixes or entry[0].endswith(suffixes)]
        facts = self._store.search.facts(needle, [oid for _, oid in entries])
        hits = tuple(
            (path, self._store.blob(oid)) for (path, oid), (_, found) in zip(entries, facts, strict=True) if found
        )
        return SearchResult(hits, len(entries), sum(size for size, _ in facts))

    def search_each(
        self, needles: Iterable[bytes], *prefixes: str, suffixes: tuple[str, ...] = ()
    ) -> dict[bytes, SearchResult]:
        """What `search` finds for each of `needles`, in the time that one takes, or little more."""
        wanted = tuple(dict.fromkeys(needles))
        entries = [entry for entry in self.entries(*prefixes) if not suffixes or entry[0].endswith(suffixes)]
        facts = self._store.search.look_for(wanted, [oid for _, oid in entries])
        size = sum(one for one, _ in facts)
        hits: dict[bytes, list[tuple[RepoPath, bytes]]] = {needle: [] for needle in wanted}
        for (path, oid), (_, found) in zip(entries, facts, strict=True):
            data = self._store.blob(oid) if found else b""
            for needle in found:
                hits[needle].append((path, data))
        return {needle: SearchResult(tuple(rows), len(entries), size) for needle, rows in hits.items()}

    def words_in(self, words: Iterable[bytes], *prefixes: str, suffixes: tuple[str, ...]) -> set[bytes]:
        """Which of `words`, that begin with a letter or `_`, stand as whole words in a file at or below `prefixes`
        whose name ends in one of `suffixes`.

        Prefixes are looked at in their order, until nothing is missing. Quick when asked again and again, of
        neighbouring revisions, too; for headers, not for a whole tree.
        """
        missing, found = set(words), set[bytes]()
        for prefix in prefixes if missing else ():
            found |= self._store.words.contained(missing - found, self._ids(prefix, suffixes))
        return found

    def mentioning(self, words: Iterable[bytes], *prefixes: str, suffixes: tuple[str, ...]) -> Iterator[RepoPath]:
        """The files at or below `prefixes` whose names end in one of `suffixes` in which one of `words` stands as a
        whole word; in tree order. As quick as `words_in`, and for the same files.
        """
        files = [(path, blob) for path, blob in self._files(*prefixes) if path.endswith(suffixes)]
        found = self._store.words.mentioning(words, [blob for _, blob in files])
        return (path for path, blob in files if blob in found)

    def _ids(self, prefix: str, suffixes: tuple[str, ...]) -> list[bytes]:
        entry = self._store.entry(self.tree, prefix) if prefix else TreeEntry(MODE_FOLDER, self.tree)
        if entry is None:
            return []
        if entry.mode == MODE_FOLDER:
            return self._store.ids_below(entry.oid, suffixes)
        return [bytes.fromhex(entry.oid)] if is_regular(entry.mode) and prefix.endswith(suffixes) else []

    def _entry(self, path: str) -> TreeEntry | None:
        return self._store.entry(self.tree, path)

    def _below(self, tree: ObjectId, prefix: str) -> Iterator[tuple[RepoPath, bytes]]:
        # Folder by folder: who wants only the first file does not wait for all.
        for name, entry in self._store.tree(tree).items():
            path = prefix + name.decode("utf-8", "surrogateescape")
            if entry.mode == MODE_FOLDER:
                for inner, blob in self._store.files.below(bytes.fromhex(entry.oid)):
                    yield RepoPath(f"{path}/{inner}"), blob
            elif is_regular(entry.mode):
                yield RepoPath(path), bytes.fromhex(entry.oid)


def _tree_order(item: tuple[str, TreeEntry]) -> bytes:
    """git sorts a folder as if its name ended in a slash."""
    path, entry = item
    return (path + "/" if entry.mode == MODE_FOLDER else path).encode("utf-8", "surrogateescape")
