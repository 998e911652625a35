"""Writes the parts of a result, each with its author, as mails and as commits of one branch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.backport_message import Wording, mail_prefix
from kpatch_tools.app.report import PatchFile
from kpatch_tools.app.staging import staged
from kpatch_tools.backport import Part
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.source import Overlay
from kpatch_tools.patch import Patch, Person, diff_sources, format_date, format_patch
from kpatch_tools.tree import KernelTree, Signature

Authored = Sequence[tuple[Part, Signature]]


@dataclass(frozen=True, slots=True)
class Places:
    """Where results go: a folder of mails, the mails alone if `mails`, a new branch; nowhere if nothing is said."""

    out: Path | None = None
    mails: bool = False
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was made: mails, the files they are in, and the branch's commits, oldest first."""

    patches: tuple[PatchFile, ...]
    files: tuple[str, ...]
    commits: tuple[ObjectId, ...]


def write_parts(
    tree: KernelTree, base: ObjectId, parts: Authored, identity: Signature, places: Places, wording: Wording
) -> Written:
    """Files and branch come together or not at all; `identity` is the committer, with the moment.

    Raises KpatchError "binary-patch", "cannot-write", and as KernelTree.write does.
    """
    patches = make_mails(tree, base, parts, wording, required=places.out is not None or places.mails)
    with staged(places.out, {patch.name: patch.data for patch in patches}) as put:
        commits = commit_parts(tree, base, parts, identity, branch=places.branch) if places.branch is not None else ()
        files = put()
    return Written(patches, files, commits)


def commit_parts(
    tree: KernelTree, base: ObjectId, parts: Authored, committer: Signature, *, branch: str | None
) -> tuple[ObjectId, ...]:
    """One commit a part; the last one moves the branch."""
    commits: list[ObjectId] = []
    for number, (part, author) in enumerate(parts, start=1):
        base = tree.write(
            base=base,
            changes=part.changes,
            message=part.message,
            modes=part.modes,
            author=author,
            committer=committer,
            ref=branch if number == len(parts) else None,
        )
        commits.append(base)
    return tuple(commits)


def make_mails(
    tree: KernelTree, base: ObjectId, parts: Authored, wording: Wording, *, required: bool
) -> tuple[PatchFile, ...]:
    """The parts as mails; none where nobody asked for them and they cannot be made.

    Raises KpatchError "binary-patch".
    """
    source = Overlay(tree.at(base), {})
    prefix = mail_prefix(wording, source)
    total = len(parts)
    mails = []
    for number, (part, author) in enumerate(parts, start=1):
        files = diff_sources(source, part.changes, modes=part.modes)
        binary = next((file.path for file in files if file.binary), None)
        if binary is not None:
            if not required:
                return ()
            raise KpatchError(
                "binary-patch", f"{binary} is binary: its contents have no place in a mail", hint="use --branch NAME"
            )
        subject = part.message.lstrip(b"\n").partition(b"\n")[0].decode("utf-8", "surrogateescape")
        date = format_date(author.when, author.offset)
        patch = Patch(files, part.message, subject, Person(author.name, author.email), date)
        data = format_patch(patch, prefix=prefix, number=(number, total) if total > 1 else None)
        mails.append(PatchFile(f"{number:04}-{_slug(subject)}.patch", data))
        source = Overlay(source.base, {**source.changes, **part.changes})
    return tuple(mails)


def _slug(subject: str) -> str:
    """As git format-patch names files."""
    return re.sub(r"\.+$", "", re.sub(r"[^A-Za-z0-9._]+", "-", subject).strip("-"))[:52].strip("-.") or "patch"
