"""What a person typed, to the commit it means."""

import difflib
import re
from dataclasses import dataclass

import pygit2

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId

_HEX = re.compile(r"[0-9a-fA-F]{4,40}")


@dataclass(frozen=True, slots=True)
class Revision:
    """`spelled` is what was typed, `oid` the commit, `describe` a name for people (tag, or the abbreviated id)."""

    spelled: str
    oid: ObjectId
    describe: str


def resolve(repository: pygit2.Repository, spelled: str) -> Revision:
    """KpatchError as `commit_id`."""
    oid = commit_id(repository, spelled)
    return Revision(spelled, oid, _describe(repository, oid))


def commit_id(repository: pygit2.Repository, spelled: str) -> ObjectId:
    """KpatchError: unknown-revision (hint: near matches), ambiguous-revision, not-a-commit, shallow-history."""
    try:
        found = repository.revparse_single(spelled)
    except (KeyError, pygit2.InvalidSpecError):
        raise _unknown(repository, spelled) from None
    except ValueError as error:
        if "ambiguous" not in str(error):
            raise _unknown(repository, spelled) from None
        raise KpatchError(
            "ambiguous-revision", f"{spelled!r} fits more than one object", hint="give more digits of the id"
        ) from None
    try:
        commit = found.peel(pygit2.Commit)
    except (ValueError, pygit2.GitError, pygit2.InvalidSpecError):
        raise KpatchError(
            "not-a-commit", f"{spelled!r} is a {found.type_str}, not a commit", hint="name a commit, a tag or a branch"
        ) from None
    return ObjectId(str(commit.id))


def _describe(repository: pygit2.Repository, oid: ObjectId) -> str:
    # Only an exact tag: the nearest one costs libgit2 seconds on a kernel history.
    tags = sorted(
        reference.removeprefix("refs/tags/") for reference, target in tag_targets(repository).items() if target == oid
    )
    return tags[0] if tags else oid[:12]


def tag_targets(repository: pygit2.Repository) -> dict[str, ObjectId]:
    """Every tag's full reference name and the commit it stands for (tags of trees and blobs are left out)."""
    return ref_targets(repository, "refs/tags/")


def ref_targets(repository: pygit2.Repository, prefix: str) -> dict[str, ObjectId]:
    """The same of all refs whose names begin with `prefix`."""
    targets: dict[str, ObjectId] = {}
    for name in repository.listall_references():
        if not name.startswith(prefix):
            continue
        try:
            commit = repository.lookup_reference(name).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError, pygit2.InvalidSpecError):
            continue
        targets[name] = ObjectId(str(commit.id))
    return targets


def _unknown(repository: pygit2.Repository, spelled: str) -> KpatchError:
    if repository.is_shallow and (_HEX.fullmatch(spelled) or any(mark in spelled for mark in "~^")):
        return KpatchError(
            "shallow-history",
            f"{spelled!r} is not in this shallow clone",
            hint="fetch the rest of the history: git fetch --unshallow --tags",
        )
    near = near_matches(repository, spelled)
    if repository.is_empty:
        hint = "this repository has no commit yet: name another one with --repo PATH"
    elif near:
        hint = f"did you mean {', '.join(near)}?"
    elif _HEX.fullmatch(spelled):
        hint = "no object of this repository has this id; fetch the history that holds it"
    else:
        hint = "see git tag and git branch -a for what it has, or name another repository with --repo PATH"
    # Named, for it may be one that nobody meant: that of the folder kpt was started in.
    where = repository.workdir or repository.path
    return KpatchError("unknown-revision", f"unknown revision {spelled!r} in {where.rstrip('/')}", hint=hint)


def near_matches(repository: pygit2.Repository, spelled: str) -> tuple[str, ...]:
    """Up to three names of tags and branches that look like `spelled`, best first."""
    base = re.split(r"[~^@:]", spelled, maxsplit=1)[0]
    names = {
        re.sub(r"^refs/(tags|heads|remotes)/", "", reference)
        for reference in repository.listall_references()
        if reference.startswith(("refs/tags/", "refs/heads/", "refs/remotes/"))
    }
    return tuple(difflib.get_close_matches(base, sorted(names), n=3, cutoff=0.6)) if base else ()
