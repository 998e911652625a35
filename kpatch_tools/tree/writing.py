"""Writing one commit: all objects first, then one reference. Nothing here knows a work tree or an index."""

import hashlib
import os
from collections.abc import Callable, Mapping

import pygit2
from pygit2.enums import ObjectType

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath

from .objects import MODE_FILE, MODE_FOLDER, Signature, TreeEntry, format_commit, format_tree
from .objectstore import ObjectStore, common_folder

EMPTY_TREE = ObjectId("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
"""The tree without entries; git keeps no folder that has none."""


def write_commit(
    store: ObjectStore,
    *,
    base: ObjectId,
    changes: Mapping[RepoPath, bytes | None],
    modes: Mapping[RepoPath, int],
    message: bytes,
    author: Signature,
    committer: Signature,
    ref: str | None,
    expect: ObjectId | None,
) -> ObjectId:
    """See KernelTree.write."""
    repository = store.repository
    name = None if ref is None else reference_name(ref)
    require_writable(store, name)
    if name is not None:
        _require_expected(repository, name, expect)
    root = store.root_tree(base)
    parents = (base,) if root != base else ()
    try:
        tree = _write_tree(store, root, _nested(changes), modes, _put(store))
        commit = _put(store)(
            ObjectType.COMMIT,
            format_commit(tree=tree, parents=parents, author=author, committer=committer, message=message),
        )
    except (pygit2.GitError, OSError) as error:
        raise _read_only(repository, str(error)) from error
    if name is not None:
        _move_reference(repository, name, commit, expect)
    return commit


def write_tree(
    store: ObjectStore,
    *,
    base: ObjectId,
    changes: Mapping[RepoPath, bytes | None],
    modes: Mapping[RepoPath, int],
    keep: bool,
) -> ObjectId:
    """See KernelTree.write_tree."""
    if keep:
        require_writable(store, None)
    try:
        return _write_tree(store, store.root_tree(base), _nested(changes), modes, _put(store) if keep else _name)
    except (pygit2.GitError, OSError) as error:
        raise _read_only(store.repository, str(error)) from error


def move_reference(store: ObjectStore, ref: str, commit: ObjectId, *, expect: ObjectId | None) -> None:
    """See KernelTree.move."""
    name = reference_name(ref)
    require_writable(store, name)
    _require_expected(store.repository, name, expect)
    _move_reference(store.repository, name, commit, expect)


def reference_name(ref: str) -> str:
    """The full name of a branch (or of what already starts with `refs/`); KpatchError bad-branch-name."""
    name = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    short = name.removeprefix("refs/heads/")
    # libgit2 allows what git branch refuses: a leading dash, and HEAD.
    if not pygit2.reference_is_valid_name(name) or short.startswith("-") or short == "HEAD":
        raise KpatchError(
            "bad-branch-name",
            f"{ref!r} is not a valid branch name",
            hint="use letters, digits, - and /; git check-ref-format --branch tells what git accepts",
        )
    return name


def require_writable(store: ObjectStore, name: str | None) -> None:
    """KpatchError read-only-repository where objects, or a reference `name`, cannot be written."""
    repository = store.repository
    folder = common_folder(repository)
    needed = [store.elsewhere or folder / "objects"] + ([folder / "refs" / "heads"] if name is not None else [])
    for path in needed:
        # For root every folder is writable; one that nobody may write is meant to be read-only all the same.
        if path.exists() and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
            raise _read_only(repository, f"no write permission for {path}")


def _read_only(repository: pygit2.Repository, detail: str) -> KpatchError:
    return KpatchError(
        "read-only-repository",
        f"cannot write to {repository.path}: {detail}",
        hint="write a patch file instead (-o FILE), or work in a clone of your own",
    )


def _require_expected(repository: pygit2.Repository, name: str, expect: ObjectId | None) -> None:
    current = current_target(repository, name)
    if current == expect:
        if expect is None:
            _require_free(repository, name)
        return
    short = name.removeprefix("refs/heads/")
    if expect is None:
        raise KpatchError(
            "branch-exists", f"branch {short!r} exists already", hint=f"name another branch, or git branch -D {short}"
        )
    raise KpatchError(
        "branch-moved", f"branch {short!r} is no longer at {expect[:12]}", hint="look at what moved it, and run again"
    )


def _require_free(repository: pygit2.Repository, name: str) -> None:
    """A branch cannot be made where a folder of branches is (topic/x, topic), nor below another branch."""
    for other in repository.listall_references():
        if other.startswith(name + "/") or name.startswith(other + "/"):
            short = other.removeprefix("refs/heads/")
            raise KpatchError(
                "branch-exists", f"branch {short!r} stands in the way of {name!r}", hint="name another branch"
            )


def current_target(repository: pygit2.Repository, name: str) -> ObjectId | None:
    """What the reference stands for now; None if there is none."""
    try:
        return ObjectId(str(repository.lookup_reference(name).resolve().target))
    except KeyError:
        return None


def _move_reference(repository: pygit2.Repository, name: str, commit: ObjectId, expect: ObjectId | None) -> None:
    """The compare-and-swap: what is compared is read, and what is set is written, under git's own lock of the name."""
    try:
        locked = name if expect is None else repository.lookup_reference(name).resolve().name
        with repository.transaction() as transaction:
            transaction.lock_ref(locked)
            _require_expected(repository, name, expect)
            transaction.set_target(locked, pygit2.Oid(hex=commit))
    except (ValueError, KeyError, pygit2.GitError, OSError) as error:
        _require_expected(repository, name, expect)
        if "lock" in str(error).lower():
            raise KpatchError(
                "branch-locked",
                f"another process is moving {name}, or died at it: {error}",
                hint=f"wait for it; if there is none, delete {common_folder(repository)}/{name}.lock",
            ) from error
        raise _read_only(repository, str(error)) from error


_Nested = dict[bytes, "bytes | _Nested | None"]


def _nested(changes: Mapping[RepoPath, bytes | None]) -> _Nested:
    root: _Nested = {}
    for path, data in changes.items():
        *folders, name = path.encode("utf-8", "surrogateescape").split(b"/")
        if not name or any(part.lower() in (b"", b".", b"..", b".git") for part in (*folders, name)):
            raise KpatchError("unsafe-path", f"{path!r} leaves the tree", hint="paths are relative to the tree's root")
        current = root
        for folder in folders:
            below = current.setdefault(folder, {})
            if not isinstance(below, dict):
                raise _file_and_folder(path)
            current = below
        if isinstance(current.get(name), dict):
            raise _file_and_folder(path)
        current[name] = data
    return root


def _file_and_folder(path: RepoPath) -> KpatchError:
    return KpatchError(
        "unsafe-path", f"{path!r} would be a file and a folder at once", hint="correct the paths of the change"
    )


_Put = Callable[[ObjectType, bytes], ObjectId]
"""What is done with an object, which then has this id."""


def _write_tree(
    store: ObjectStore,
    old: ObjectId | None,
    changes: _Nested,
    modes: Mapping[RepoPath, int],
    put: _Put,
    prefix: str = "",
) -> ObjectId:
    entries = {} if old is None else dict(store.tree(old))
    for name, data in changes.items():
        path = prefix + name.decode("utf-8", "surrogateescape")
        entry = entries.get(name)
        if isinstance(data, dict):
            below = entry.oid if entry is not None and entry.mode == MODE_FOLDER else None
            tree = _write_tree(store, below, data, modes, put, path + "/")
            if tree != EMPTY_TREE:
                entries[name] = TreeEntry(MODE_FOLDER, tree)
            else:
                entries.pop(name, None)
        elif data is None:
            entries.pop(name, None)
        else:
            kept = entry.mode if entry is not None and entry.mode & 0o170000 == 0o100000 else MODE_FILE
            mode = modes.get(RepoPath(path), kept)
            entries[name] = TreeEntry(mode, put(ObjectType.BLOB, data))
    return put(ObjectType.TREE, format_tree(entries))


def _put(store: ObjectStore) -> _Put:
    """Objects into the repository, or where the store keeps new ones."""
    return lambda kind, data: ObjectId(str(store.repository.write(kind, data)))


def _name(kind: ObjectType, data: bytes) -> ObjectId:
    """The id alone."""
    header = b"%s %d\0" % (kind.name.lower().encode(), len(data))
    return ObjectId(hashlib.sha1(header + data, usedforsecurity=False).hexdigest())
