"""One git repository holding a kernel: bare or not, with its history or a vendor's import without one."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath

from . import history, revisions, writing
from .gathering import Gathering
from .history import TreeChange
from .objects import CommitData, Signature
from .objectstore import ObjectStore, common_folder
from .revisions import Revision
from .selection import Selection
from .view import TreeAt

_MAPPED = 2 << 30  # bytes of packs; libgit2's own limit is 8 GB. Half of this costs a history's index a third more.
_CACHED = 96 << 20  # bytes of commits


def _set_limits() -> None:
    """How libgit2 reads, in this whole process."""
    # git does not hash every object it reads again either; it halves the time of reading many blobs.
    pygit2.settings.enable_strict_hash_verification(False)
    pygit2.settings.mwindow_mapped_limit = _MAPPED
    pygit2.settings.cache_max_size(_CACHED)
    # Trees are kept as we need them, see ObjectStore.
    pygit2.settings.cache_object_limit(ObjectType.TREE, 0)


class KernelTree:
    """Reads objects; never touches a work tree or an index. The only thing that writes is `write`."""

    def __init__(self, store: ObjectStore) -> None:
        self._repository = store.repository
        self._store = store

    @classmethod
    def open(cls, path: Path, *, objects: Path | None = None, cache: Path | None = None) -> "KernelTree":
        """The repository at or around `path`; KpatchError: not-a-repository, repository-owner.

        New objects go to the folder `objects` instead, if one is given (it must exist), and are found there as well.
        What is worth it is kept between runs in the folder `cache`, if one is given; it is made if need be.
        """
        try:
            found = pygit2.discover_repository(str(path))
            if found is None:
                raise KpatchError(
                    "not-a-repository",
                    f"no git repository at or above {path}",
                    hint="name one with --repo PATH, or make one: git clone, or git init and git add",
                )
            _set_limits()
            return cls(ObjectStore(pygit2.Repository(found), elsewhere=objects, cache=cache))
        except (pygit2.GitError, KeyError, OSError) as error:
            if "owned" in str(error):
                raise KpatchError(
                    "repository-owner",
                    f"git refuses {path}: it belongs to another user",
                    hint=f"if you trust it: git config --global --add safe.directory {path}",
                ) from error
            raise KpatchError("not-a-repository", f"{path}: {error}", hint="name one with --repo PATH") from error

    @classmethod
    def create(cls, path: Path, *, branch: str) -> "KernelTree":
        """A new bare repository at `path`, which must not exist; its HEAD will be `branch`, which is not made yet.

        KpatchError: read-only-repository.
        """
        try:
            return cls(ObjectStore(pygit2.init_repository(str(path), bare=True, initial_head=branch)))
        except (pygit2.GitError, OSError) as error:
            raise KpatchError(
                "read-only-repository", f"no repository can be made at {path}: {error}", hint="name another folder"
            ) from error

    def reopened(self, *, objects: Path | None = None) -> "KernelTree":
        """The same repository by a handle of its own: a forked process must not share its parent's. New objects go to
        the folder `objects`, if one is given."""
        return KernelTree(self._store.reopened(elsewhere=objects))

    def empty_tree(self) -> ObjectId:
        """The tree without entries, written if need be: the base of a first commit, which then has no parent."""
        return ObjectId(str(self._repository.write(ObjectType.TREE, b"")))

    @property
    def path(self) -> Path:
        """The git directory."""
        return Path(self._repository.path)

    @property
    def hooks_folder(self) -> Path:
        """Where git looks for this repository's hooks: core.hooksPath, else the folder `hooks`; it may not exist."""
        config = self._repository.config
        if "core.hooksPath" in config:
            named = Path(os.path.expanduser(config["core.hooksPath"] or ""))
            return Path(self._repository.workdir or self._repository.path) / named
        return common_folder(self._repository) / "hooks"

    @property
    def writes_elsewhere(self) -> bool:
        """Whether new objects go to a folder of their own (see `open`)."""
        return self._store.elsewhere is not None

    @property
    def is_shallow(self) -> bool:
        """Whether the history was cut off when it was cloned."""
        return self._repository.is_shallow

    def resolve(self, revision: str) -> Revision:
        """A tag, branch, (abbreviated) id or expression such as `v2.6.39~2`, to its commit.

        KpatchError: unknown-revision (the hint names near matches), ambiguous-revision, not-a-commit, shallow-history.
        """
        return revisions.resolve(self._repository, revision)

    def commit_id(self, revision: str) -> ObjectId:
        """The same without a name for people, for which all tags are looked at. KpatchError as `resolve`."""
        return revisions.commit_id(self._repository, revision)

    def tags(self) -> Mapping[str, ObjectId]:
        """Every tag by its short name, with the commit it stands for."""
        targets = revisions.tag_targets(self._repository)
        return {name.removeprefix("refs/tags/"): oid for name, oid in targets.items()}

    def tips(self, prefix: str = "refs/") -> Mapping[str, ObjectId]:
        """The commits of all refs below `prefix` by their full names; refs of trees and blobs are left out."""
        return revisions.ref_targets(self._repository, prefix)

    def branches(self) -> tuple[str, ...]:
        """The short names of all local branches."""
        return tuple(self._repository.branches.local)

    def at(self, revision: Revision | ObjectId | str) -> TreeAt:
        """The source tree at a commit or tree; a text that is not a full id is resolved first."""
        if isinstance(revision, Revision):
            return TreeAt(self._store, revision.oid)
        is_id = len(revision) == 40 and all(digit in "0123456789abcdef" for digit in revision)
        return TreeAt(self._store, ObjectId(revision) if is_id else self.commit_id(revision))

    def commit(self, oid: ObjectId) -> CommitData:
        """KpatchError: missing-object, not-a-commit."""
        return self._store.commit(oid)

    def lineage(self, oid: ObjectId) -> tuple[int, tuple[ObjectId, ...]]:
        """When it was committed, in seconds since the epoch, and on what; for whoever asks it of a whole history.

        KpatchError as `commit`.
        """
        return self._store.lineage(oid)

    def blob(self, oid: ObjectId) -> bytes:
        """KpatchError: missing-object."""
        return self._store.blob(oid)

    def has_object(self, oid: ObjectId) -> bool:
        """Whether an object of any kind is here under this full id."""
        return pygit2.Oid(hex=oid) in self._repository.odb

    def merge_base(self, a: ObjectId, b: ObjectId) -> ObjectId | None:
        """A best common ancestor; None for unrelated histories (a vendor's import).

        KpatchError shallow-history where that cannot be known.
        """
        try:
            found = self._repository.merge_base(a, b)
        except (KeyError, pygit2.GitError) as error:
            raise history.history_ends(self._store, error) from error
        if not found and self._store.boundary():
            raise self._store.cut_off()
        # pygit2's stubs promise an id; for unrelated histories it is None.
        return ObjectId(str(found)) if found else None

    def is_ancestor(self, a: ObjectId, b: ObjectId) -> bool:
        """Whether `a` is `b` or one of its ancestors; KpatchError shallow-history where that cannot be known."""
        if a == b:
            return True
        try:
            found = history.is_ancestor(self._store, a, b)
        except (KeyError, pygit2.GitError) as error:
            raise history.history_ends(self._store, error) from error
        if not found and self._store.boundary():
            raise self._store.cut_off()
        return found

    def walk(
        self,
        *,
        include: Iterable[ObjectId],
        exclude: Iterable[ObjectId] = (),
        paths: Sequence[str] = (),
        first_parent: bool = False,
        reverse: bool = False,
    ) -> Iterator[CommitData]:
        """Commits reachable from `include` and not from `exclude`, children before parents (`reverse`: after).

        With `paths` (files or folders) only commits whose entry there differs from that of every parent, so that a
        merge counts only where it made something new; nothing is pruned (git log's --full-history).

        KpatchError shallow-history where a shallow clone ends before the walk does: at the end, after every commit that
        is there, so that whoever has found what they look for may stop before.
        """
        return history.walk(
            self._store,
            include=include,
            exclude=exclude,
            paths=paths,
            first_parent=first_parent,
            reverse=reverse,
        )

    def find_commits(
        self,
        *,
        include: Iterable[ObjectId],
        exclude: Iterable[ObjectId] = (),
        paths: Sequence[str] = (),
        subject: str | None = None,
        containing: Sequence[bytes] = (),
    ) -> Iterator[CommitData]:
        """The commits of such a walk with exactly this subject and any of these texts in the message, as found."""
        # A commit in another encoding is compared in UTF-8, so only what is ASCII can be looked for in its raw bytes.
        words = [word for word in (subject or "").encode("utf-8", "surrogateescape").split() if word.isascii()]
        texts = containing if all(text.isascii() for text in containing) else ()

        def may_be(message: bytes) -> bool:
            return all(word in message for word in words) and (not texts or any(text in message for text in texts))

        candidates = history.walk(
            self._store,
            include=include,
            exclude=exclude,
            paths=paths,
            first_parent=False,
            reverse=False,
            may_be=may_be,
        )
        for commit in candidates:
            if subject is not None and commit.subject != subject:
                continue
            if containing and not any(text in commit.message for text in containing):
                continue
            yield commit

    def changes(self, oid: ObjectId) -> tuple[TreeChange, ...]:
        """What the commit changed against its first parent (a root commit: everything), in tree order, no renames."""
        commit = self._store.commit(oid)
        parent = self._store.commit(commit.parents[0]).tree if commit.parents else None
        return tuple(history.changes_between(self._store, parent, commit.tree))

    def touched_paths(self, commit: CommitData) -> tuple[RepoPath, ...]:
        """The paths that a commit with a parent changed against its first one, unordered; no more than `changes` reads,
        and a tenth of its time, for whoever asks it of a whole history."""
        old, new = self._store.root_tree(commit.parents[0]), commit.tree
        return tuple(history.touched_paths(self._store, old, new))

    def changes_between(self, old: ObjectId, new: ObjectId) -> tuple[TreeChange, ...]:
        """What differs from `old` to `new` (commits or trees), in tree order, no renames."""
        trees = (self._store.root_tree(old), self._store.root_tree(new))
        return tuple(history.changes_between(self._store, *trees))

    def selection(self, paths: Iterable[RepoPath]) -> Selection:
        """Tells trees of this repository apart by these files alone; quick for many trees that have most in common."""
        return Selection(self._store, paths)

    def gathering(self, folders: Iterable[str], keep: Callable[[str, ObjectId], bool]) -> Gathering:
        """Lists the files below `folders` that `keep` (name, blob id) wants; quick for many trees, as `selection`."""
        return Gathering(self._store, folders, keep)

    def rename_of(self, path: RepoPath, *, old: ObjectId, new: ObjectId) -> RepoPath | None:
        """Where the file at `path` in `old` (commit or tree) went in `new`; None if nothing there is like it.

        The same contents anywhere, else the most similar added file (at least half alike, by git's measure) of the same
        suffix that kept its folder or its name.
        """
        return history.rename_of(self._store, self._store.root_tree(old), self._store.root_tree(new), path)

    def identity(self) -> Signature:
        """The user's name and email from git's configuration, `when` 0 (the caller knows the clock).

        KpatchError: no-identity.
        """
        config = self._repository.config
        values = {key: (config[key] or "").strip() if key in config else "" for key in ("user.name", "user.email")}
        missing = [key for key, value in values.items() if not value]
        if missing:
            raise KpatchError(
                "no-identity",
                f"git does not know who you are: {' and '.join(missing)} not set",
                hint='git config --global user.name "Your Name"; git config --global user.email you@example.org',
            )
        return Signature(values["user.name"], values["user.email"])

    def write(
        self,
        *,
        base: ObjectId,
        changes: Mapping[RepoPath, bytes | None],
        message: bytes,
        author: Signature,
        committer: Signature,
        ref: str | None = None,
        expect: ObjectId | None = None,
        modes: Mapping[RepoPath, int] | None = None,
    ) -> ObjectId:
        """Commit `changes` (new contents; None deletes) on top of `base`, and return the new commit.

        All objects are written first. Then, only if `ref` (a branch, or a full `refs/…` name) is given, it is moved
        from `expect` to the commit by compare-and-swap; `expect` None means that it must not exist. Files keep their
        mode, new ones are 0o100644, unless `modes` says otherwise.

        KpatchError: branch-exists, branch-moved, branch-locked, bad-branch-name, read-only-repository; nothing has been
        written then, except for the first three in a race, where the objects remain unreferenced.
        """
        return writing.write_commit(
            self._store,
            base=base,
            changes=changes,
            modes=modes or {},
            message=message,
            author=author,
            committer=committer,
            ref=ref,
            expect=expect,
        )

    def require_writable(self) -> None:
        """KpatchError read-only-repository where no object can be written."""
        writing.require_writable(self._store, None)

    def write_tree(
        self,
        *,
        base: ObjectId,
        changes: Mapping[RepoPath, bytes | None],
        modes: Mapping[RepoPath, int] | None = None,
        keep: bool = True,
    ) -> ObjectId:
        """The id of `base`'s tree with `changes`, its objects written; no reference is made or moved.

        `keep` False: nothing is written, and the id may be of a tree that is nowhere. KpatchError: unsafe-path,
        read-only-repository.
        """
        return writing.write_tree(self._store, base=base, changes=changes, modes=modes or {}, keep=keep)

    def move(self, ref: str, commit: ObjectId, *, expect: ObjectId | None = None) -> None:
        """Move `ref` (a branch, or a full `refs/…` name) from `expect` to `commit` by compare-and-swap, as `write`."""
        writing.move_reference(self._store, ref, commit, expect=expect)
