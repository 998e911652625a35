"""What the target's history says about a change: evidence, never proof."""

from collections.abc import Iterator, Mapping

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import patch_id, upstream_reference
from kpatch_tools.tree import CommitData, Signature

from .change import Change
from .history import read_change, touches_only
from .inverse import reverts
from .outcome import Evidence
from .past import Past


def find_in_history(
    past: Past, change: Change, *, target: ObjectId, renamed: Mapping[RepoPath, RepoPath] | None = None
) -> tuple[Evidence, ...]:
    """Where the target's history has the change: itself, or a commit that says so, is called so or does the same.

    `renamed` maps upstream's paths to the target's. Of commits with the same subject only the author's own count: many
    are called "Fix a typo".
    """
    if change.commit is not None and past.is_ancestor(change.commit, target):
        return (Evidence("ancestor", "the commit itself is in the target's history", commit=change.commit),)
    paths = tuple(dict.fromkeys((*change.touched, *(renamed or {}).values())))
    return tuple(_claims(past, change, target, paths))


def _claims(past: Past, change: Change, target: ObjectId, paths: tuple[RepoPath, ...]) -> Iterator[Evidence]:
    wanted = patch_id(change.files)
    # What was taken from upstream was committed after it was committed there.
    own = past.tree.commit(change.commit) if change.commit is not None else None
    for commit in past.touching(paths, tips=[target], after=own):
        name = f'{commit.oid[:12]} ("{commit.subject}")'
        reference = upstream_reference(commit.message)
        if reference and change.commit is not None and change.commit.startswith(reference):
            yield Evidence("upstream-reference", f"{name} says that it is this commit", commit=commit.oid)
        elif (
            touches_only(past.tree, commit, change.touched) and patch_id(read_change(past.tree, commit).files) == wanted
        ):
            yield Evidence("same-patch-id", f"{name} makes the same change", commit=commit.oid)
        elif commit.subject == change.subject and (own is None or _is_by(own.author, commit.author)):
            yield Evidence("same-subject", f"{name} has the same subject", commit=commit.oid)


def _is_by(one: Signature, other: Signature) -> bool:
    return one.name == other.name or one.email.lower() == other.email.lower()


def find_revert(past: Past, change: Change, *, target: ObjectId, since: ObjectId) -> CommitData | None:
    """The commit of the target's history after `since` that took the change back; None if there is none."""
    for commit in past.only_touching(change.touched, tips=[target], after=past.tree.commit(since)):
        if reverts(read_change(past.tree, commit), change):
            return commit
    return None
