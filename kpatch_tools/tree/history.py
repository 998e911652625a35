"""Walking commits, and what each changed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import pygit2
from pygit2.enums import SortMode

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath

from .objects import FOLDER_MODES, MODE_FOLDER, CommitData, TreeEntry, is_regular, parse_row
from .objectstore import ObjectStore

_NOTHING = TreeEntry(0, ObjectId("0" * 40))


@dataclass(frozen=True, slots=True)
class TreeChange:
    """One path that differs between two trees; the side that does not exist is None (mode and blob too).

    Symlinks and submodules are reported with their modes, folders never.
    """

    old_path: RepoPath | None
    new_path: RepoPath | None
    old_blob: ObjectId | None
    new_blob: ObjectId | None
    old_mode: int | None
    new_mode: int | None

    @property
    def path(self) -> RepoPath:
        """The path after the change; before it, where it was deleted."""
        path = self.new_path or self.old_path
        assert path is not None, "a change has at least one side"
        return path


def walk(
    store: ObjectStore,
    *,
    include: Iterable[ObjectId],
    exclude: Iterable[ObjectId],
    paths: Sequence[str],
    first_parent: bool,
    reverse: bool,
    may_be: Callable[[bytes], bool] | None = None,
) -> Iterator[CommitData]:
    """See KernelTree.walk. Commits whose raw message `may_be` refuses are passed over before they are parsed."""
    walker = store.repository.walk(None, SortMode.TOPOLOGICAL | SortMode.TIME | (SortMode.REVERSE if reverse else 0))
    if first_parent:
        walker.simplify_first_parent()
    try:
        for oid in include:
            walker.push(oid)
        for oid in exclude:
            walker.hide(oid)
        wanted = tuple(path.strip("/") for path in paths)
        touched = _Touched(store, wanted, first_parent=first_parent) if wanted else None
        boundary = store.boundary()
        is_cut = False
        for found in walker:
            if boundary and str(found.id) in boundary:
                is_cut = True
                if touched is not None:
                    continue  # what it changed cannot be told
            wanted_message = may_be is None or may_be(found.raw_message)
            if wanted_message and (touched is None or touched(found)):
                yield store.commit(ObjectId(str(found.id)))
    except (KeyError, pygit2.GitError) as error:
        raise history_ends(store, error) from error
    if is_cut:
        raise store.cut_off()


def history_ends(store: ObjectStore, error: Exception) -> KpatchError:
    """The error for a commit that a walk needs and the repository lacks."""
    if store.repository.is_shallow:
        return store.cut_off()
    return KpatchError("missing-object", f"the history is incomplete: {error}", hint="run git fsck, or fetch again")


class _Touched:
    """Whether a commit differs from every parent at one of the paths: entry ids are compared, nothing is diffed."""

    def __init__(self, store: ObjectStore, paths: tuple[str, ...], *, first_parent: bool) -> None:
        self._store = store
        self._paths = paths
        self._first_parent = first_parent
        self._states: dict[str, tuple[TreeEntry, ...]] = {}

    def __call__(self, commit: pygit2.Commit) -> bool:
        state = self._state(str(commit.id), commit)
        parents = commit.parent_ids[:1] if self._first_parent else commit.parent_ids
        if not parents:
            return any(entry != _NOTHING for entry in state)
        return all(self._state(str(parent), None) != state for parent in parents)

    def _state(self, oid: str, commit: pygit2.Commit | None) -> tuple[TreeEntry, ...]:
        known = self._states.get(oid)
        if known is None:
            found = commit if commit is not None else self._store.repository[oid].peel(pygit2.Commit)
            root = ObjectId(str(found.tree_id))
            known = tuple(self._store.entry(root, path) or _NOTHING for path in self._paths)
            self._states[oid] = known
        return known


def is_ancestor(store: ObjectStore, a: ObjectId, b: ObjectId) -> bool:
    """See KernelTree.is_ancestor.

    A stable branch is a line that leaves the mainline at some commit. An upstream commit that descends from there is no
    ancestor of the branch: a few hundred commits tell that, where libgit2 looks at all between the two.
    """
    repository = store.repository
    fork, target = pygit2.Oid(hex=b), pygit2.Oid(hex=a)
    if not store.boundary():
        for _ in range(_LONGEST_SEARCH):
            if fork == target:
                return True
            parents = _commit(repository, fork).parent_ids
            if len(parents) != 1:
                break
            fork = parents[0]
        if _is_seen_to_descend(repository, target, fork):
            return False
    return fork == target or repository.descendant_of(fork, target)


_LONGEST_SEARCH = 4_000  # commits; a search as long as that costs a twentieth of libgit2's


def _is_seen_to_descend(repository: pygit2.Repository, commit: pygit2.Oid, ancestor: pygit2.Oid) -> bool:
    """Whether a short search finds `ancestor` below `commit`: False proves nothing. The oldest commits are looked at
    first, but for those that are older than `ancestor`."""
    oldest = _commit(repository, ancestor).commit_time
    waiting = [(0, commit.raw)]
    seen = {commit.raw}
    for _ in range(_LONGEST_SEARCH):
        if not waiting:
            return False
        for parent in _commit(repository, pygit2.Oid(raw=heappop(waiting)[1])).parent_ids:
            if parent == ancestor:
                return True
            if parent.raw not in seen:
                seen.add(parent.raw)
                when = _commit(repository, parent).commit_time
                if when >= oldest:
                    heappush(waiting, (when, parent.raw))
    return False


def _commit(repository: pygit2.Repository, oid: pygit2.Oid) -> pygit2.Commit:
    return repository[oid].peel(pygit2.Commit)


def changes_between(
    store: ObjectStore, old: ObjectId | None, new: ObjectId | None, prefix: str = ""
) -> Iterator[TreeChange]:
    """Every path that differs between two trees (None: the empty tree), in tree order, without renames."""
    changes: list[TreeChange] = []
    for name, (before, after) in _differing(store, old, new).items():
        changes += _entry_changes(store, prefix + name.decode("utf-8", "surrogateescape"), before, after)
    yield from sorted(changes, key=lambda change: change.path.encode("utf-8", "surrogateescape"))


_Sides = tuple[TreeEntry | None, TreeEntry | None]


def _differing(store: ObjectStore, old: ObjectId | None, new: ObjectId | None) -> dict[bytes, _Sides]:
    """The names that do not stand for the same thing in two folders, unordered; of all others nothing is converted."""
    before = frozenset[bytes]() if old is None else store.rows(old)
    after = frozenset[bytes]() if new is None else store.rows(new)
    was = dict(map(parse_row, before - after))
    now = dict(map(parse_row, after - before))
    # Rows also differ where an old tool wrote a mode with a leading zero.
    return {name: (was.get(name), now.get(name)) for name in {**was, **now} if was.get(name) != now.get(name)}


def touched_paths(
    store: ObjectStore, old: ObjectId | None, new: ObjectId | None, prefix: bytes = b""
) -> Iterator[RepoPath]:
    """The paths that differ between two trees (None: the empty tree), folders left out, unordered."""
    before = frozenset[bytes]() if old is None else store.rows(old)
    after = frozenset[bytes]() if new is None else store.rows(new)
    folders: dict[bytes, list[ObjectId | None]] = {}
    files: set[bytes] = set()
    for side, rows in enumerate((before - after, after - before)):
        for row in rows:
            mode, _, rest = row.partition(b" ")
            name = rest[:-21]
            if mode in FOLDER_MODES:
                folders.setdefault(name, [None, None])[side] = ObjectId(row[-20:].hex())
            else:
                files.add(name)
    for name in files:
        yield RepoPath((prefix + name).decode("utf-8", "surrogateescape"))
    for name, (one, other) in folders.items():
        yield from touched_paths(store, one, other, prefix + name + b"/")


def _entry_changes(store: ObjectStore, path: str, old: TreeEntry | None, new: TreeEntry | None) -> Iterator[TreeChange]:
    old_folder = old.oid if old is not None and old.mode == MODE_FOLDER else None
    new_folder = new.oid if new is not None and new.mode == MODE_FOLDER else None
    if old_folder is not None or new_folder is not None:
        yield from changes_between(store, old_folder, new_folder, path + "/")
    old_leaf = old if old_folder is None else None
    new_leaf = new if new_folder is None else None
    if old_leaf is None and new_leaf is None:
        return
    here = RepoPath(path)
    yield TreeChange(
        here if old_leaf else None,
        here if new_leaf else None,
        old_leaf.oid if old_leaf else None,
        new_leaf.oid if new_leaf else None,
        old_leaf.mode if old_leaf else None,
        new_leaf.mode if new_leaf else None,
    )


def rename_of(store: ObjectStore, old: ObjectId, new: ObjectId, path: RepoPath) -> RepoPath | None:
    """Where the file that stands at `path` in tree `old` went in tree `new`; see KernelTree.rename_of."""
    source = store.entry(old, path)
    if source is None or store.entry(new, path) is not None:
        return None
    folder, _, name = path.rpartition("/")
    suffix = name.rpartition(".")[2]

    def may_be(there: str, new_name: str, blob: ObjectId) -> bool:
        alike = new_name.rpartition(".")[2] == suffix and (new_name == name or there == folder)
        return alike or blob == source.oid

    added = sorted(_added(store, old, new, may_be), key=lambda one: one[0].encode("utf-8", "surrogateescape"))
    for there, blob in added:
        if blob == source.oid:
            return there
    text = store.blob(source.oid)
    best, best_score = None, 0.5
    for there, blob in added:
        score = similarity(text, store.blob(blob))
        if score > best_score or (score == best_score and best is None):
            best, best_score = there, score
    return best


_MayBe = Callable[[str, str, ObjectId], bool]


def _added(
    store: ObjectStore, old: ObjectId | None, new: ObjectId, keep: _MayBe, folder: str = ""
) -> Iterator[tuple[RepoPath, ObjectId]]:
    """The regular files of `new`, with their blobs, that `old` lacks and `keep` (folder, name, blob) wants."""
    for raw, (was, now) in _differing(store, old, new).items():
        if now is None:
            continue
        name = raw.decode("utf-8", "surrogateescape")
        if now.mode == MODE_FOLDER:
            below = was.oid if was is not None and was.mode == MODE_FOLDER else None
            yield from _added(store, below, now.oid, keep, f"{folder}/{name}" if folder else name)
        elif is_regular(now.mode) and (was is None or was.mode == MODE_FOLDER) and keep(folder, name, now.oid):
            yield RepoPath(f"{folder}/{name}" if folder else name), now.oid


def similarity(old: bytes, new: bytes) -> float:
    r"""git's measure: the bytes of lines found in both, by the size of the larger; 0.0 … 1.0.

    >>> similarity(b"a\nb\nc\nd\n", b"a\nb\nx\nd\n")
    0.75
    """
    larger = max(len(old), len(new))
    if larger == 0:
        return 1.0
    common = Counter(old.splitlines(keepends=True)) & Counter(new.splitlines(keepends=True))
    return sum(len(line) * count for line, count in common.items()) / larger
