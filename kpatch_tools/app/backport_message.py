"""What a backport says: upstream's message, which commit it is, what was done differently, and who signs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from kpatch_tools.backport import Change, HunkResult
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import trailers, upstream_reference
from kpatch_tools.tree import Signature

Reference = Literal["commit", "bracket", "none"]

_DONE = {HunkClass.DROPPED: "dropped", HunkClass.ADAPTED: "adapted"}
_MOST_STATEMENTS = 6


@dataclass(frozen=True, slots=True)
class Wording:
    """The user's choices.

    `reference` is the form of the line that names the upstream commit, `prefix` what stands in brackets before a mail's
    subject (None: PATCH and the target's version). `note` says whether what was done is told in brackets.
    """

    reference: Reference = "commit"
    prefix: str | None = None
    note: bool = True
    signoff: bool = False


def first_message(change: Change, reference: Reference) -> bytes:
    """The change's own message, with the line that says which upstream commit it is, unless one is there."""
    if change.commit is None or reference == "none" or upstream_reference(change.message):
        return change.message
    line = f"commit {change.commit} upstream." if reference == "commit" else f"[ Upstream commit {change.commit} ]"
    subject, _, body = change.message.lstrip(b"\n").partition(b"\n\n")
    return subject.rstrip(b"\n") + b"\n\n" + line.encode() + b"\n\n" + body


def last_message(message: bytes, hunks: Iterable[HunkResult], wording: Wording, identity: Signature) -> bytes:
    """`message` with the note on what was really done, in the user's name, and with the user's sign-off if wished."""
    rows = []
    done = statements(hunks)
    if wording.note and done:
        rows.append(f"[{identity.name}: {'; '.join(done)}]")
    signature = f"Signed-off-by: {identity.name} <{identity.email}>"
    if wording.signoff and (rows or not message.rstrip().endswith(signature.encode("utf-8", "surrogateescape"))):
        rows.append(signature)
    if not rows:
        return message
    gap = b"\n" if trailers(message) else b"\n\n"
    return message.rstrip(b"\n") + gap + "\n".join(rows).encode("utf-8", "surrogateescape") + b"\n"


def statements(hunks: Iterable[HunkResult]) -> tuple[str, ...]:
    """What was done to the hunks that are not as upstream's; one statement for all files with no more than context."""
    said: list[str] = []
    context: dict[RepoPath, None] = {}
    for hunk in hunks:
        if hunk.kind in _DONE:
            said.append(f"{_DONE[hunk.kind]} hunk {hunk.number} of {hunk.file}: {hunk.why}")
        elif hunk.kind in (HunkClass.MOVED, HunkClass.MERGED):
            context[hunk.file] = None
    if len(said) > _MOST_STATEMENTS:
        said = [*said[:_MOST_STATEMENTS], f"and {len(said) - _MOST_STATEMENTS} more"]
    return (*said, *([f"adjusted context in {', '.join(context)}"] if context else ()))


def mail_prefix(wording: Wording, source: BlobSource) -> str:
    """What stands in brackets before the subject."""
    if wording.prefix is not None:
        return wording.prefix
    version = kernel_version(source.read(RepoPath("Makefile")) or b"")
    return f"PATCH {version}" if version else "PATCH"


def kernel_version(makefile: bytes) -> str:
    r"""What the kernel's Makefile says that it is; empty if it does not.

    >>> kernel_version(b"VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 39\nEXTRAVERSION = -rc7\nNAME = x\n")
    '2.6.39-rc7'
    """
    pattern = rb"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*([\w.+-]*)[ \t]*$"
    found: Mapping[bytes, bytes] = dict(reversed(re.findall(pattern, makefile, re.MULTILINE)))
    numbers = [found[name].decode() for name in (b"VERSION", b"PATCHLEVEL", b"SUBLEVEL") if found.get(name)]
    return ".".join(numbers) + found.get(b"EXTRAVERSION", b"").decode() if len(numbers) > 1 else ""
