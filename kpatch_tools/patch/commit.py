"""A commit of a repository as a Patch."""

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree, TreeChange

from .diff import diff_hunks, is_binary
from .mail import format_date
from .values import FileDiff, Patch, Person


def patch_of_commit(tree: KernelTree, oid: ObjectId, *, context: int = 3) -> Patch:
    """What `git format-patch -1 --no-renames` would hold: the change against the first parent, message, author, date.

    Symlinks are diffed as the text they hold; a submodule is one line with its commit, as git shows it.
    """
    commit = tree.commit(oid)
    files = tuple(diff_change(tree, change, context=context) for change in tree.changes(oid))
    author = Person(commit.author.name, commit.author.email)
    date = format_date(commit.author.when, commit.author.offset)
    return Patch(files, commit.message, commit.subject, author, date, oid)


def diff_change(tree: KernelTree, change: TreeChange, *, context: int = 3) -> FileDiff:
    """The diff of one changed path."""
    old, new = _contents(tree, change.old_blob, change.old_mode), _contents(tree, change.new_blob, change.new_mode)
    binary = is_binary(old) or is_binary(new)
    return FileDiff(
        change.old_path,
        change.new_path,
        change.old_mode,
        change.new_mode,
        change.old_blob or "0" * 40,
        change.new_blob or "0" * 40,
        () if binary else diff_hunks(old, new, context=context),
        binary and old != new,
    )


def _contents(tree: KernelTree, blob: ObjectId | None, mode: int | None) -> bytes:
    if blob is None:
        return b""
    if mode == 0o160000:
        return f"Subproject commit {blob}\n".encode()
    return tree.blob(blob)
