"""A commit of the repository as a patch."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import Patch, Person, diff_sources
from kpatch_tools.tree import KernelTree, Signature


def patch_of_commit(tree: KernelTree, revision: str) -> Patch:
    """The commit at `revision` against its parent, with its author, date and message.

    Raises KpatchError "unknown-revision", "merge-commit", "root-commit".
    """
    commit = tree.commit(tree.resolve(revision).oid)
    if len(commit.parents) != 1:
        kind = "merge" if commit.parents else "root"
        raise KpatchError(
            f"{kind}-commit", f"{revision} is a {kind} commit, not one change", hint="name a commit with one parent"
        )
    after = tree.at(commit.oid)
    changes: dict[RepoPath, bytes | None] = {}
    for delta in tree.changes(commit.oid):
        if delta.old_path is not None:
            changes[delta.old_path] = None
        if delta.new_path is not None:
            changes[delta.new_path] = after.read(delta.new_path)
    return Patch(
        files=diff_sources(tree.at(commit.parents[0]), changes),
        message=commit.message,
        subject=commit.subject,
        author=Person(commit.author.name, commit.author.email),
        date=mail_date(commit.author),
        commit=commit.oid,
    )


def mail_date(signature: Signature) -> str:
    """The moment of a signature in the form of a mail's Date: header."""
    zone = timezone(timedelta(minutes=signature.offset))
    return format_datetime(datetime.fromtimestamp(signature.when, zone))
