"""What a commit message says about other commits, and its trailers."""

import re
from dataclasses import dataclass
from typing import Literal

_SHA = rb"[0-9a-f]{7,40}"
_TRAILER = re.compile(rb"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)")
_PICKED = re.compile(rb"\(cherry[ -]picked from commit (" + _SHA + rb")\b[^)]*\)", re.IGNORECASE)
_NOTE = re.compile(rb"\[[^\]]*\]?")
_UPSTREAM = (
    re.compile(rb"^[ \t]*[Cc]ommit:?[ \t]+(" + _SHA + rb")[ \t]+upstrea", re.MULTILINE),
    re.compile(rb"^[ \t]*\[?[ \t]*[Uu]pstream commit:?[ \t]+(" + _SHA + rb")[ \t]*\]?", re.MULTILINE),
    re.compile(rb"^[ \t]*[Uu]pstream(?:-commit)?:[ \t]+(?:commit[ \t]+)?(" + _SHA + rb")\b", re.MULTILINE),
    re.compile(
        rb"^[ \t]*(?:This is |This is upstream |backport of )?[Cc]ommit (" + _SHA + rb") in mainline", re.MULTILINE
    ),
)
# What was taken back was such a backport; the one that takes it back is none of it.
_REVERTED_UPSTREAM = re.compile(
    rb"\brevert(?:s|ed|ing)?\s+commit\s+" + _SHA + rb",?\s+"
    rb"(?:[\[(]\s*|(?:which|that)\s+(?:is|was)\s+)(?:upstream\s+)?(?:commit\s+)?" + _SHA,
    re.IGNORECASE,
)
_FIXES = re.compile(
    rb"^Fixes:[ \t]*(?:commit[ \t]+)?(" + _SHA + rb")\b(?:[ \t]*\(?[\"'](.*?)[\"']\)?[ \t]*$)?", re.MULTILINE
)
_REVERT = re.compile(rb"\b[Rr]everts?\s+(?:upstream\s+)?commit\s+(" + _SHA + rb")\b")
_REVERT_SUBJECT = re.compile(rb'(?:[^"]*\b)?[Rr]evert "(.+)"')
_QUOTED_LOG = re.compile(rb"^[ \t]*commit (" + _SHA + rb")[ \t]*\n[ \t]*Author:", re.MULTILINE)
_NAMED = re.compile(rb"\b(" + _SHA + rb")\b[:,]?\s*\(?\s*[\"'\xe2\x80\x9c]([^\"'\xe2\x80\x9d]{4,200})[\"'\xe2\x80\x9d]")
_BARE = re.compile(rb"\b[Cc]ommit(?:[ \t]*-?id)?:?\s+(" + _SHA + rb")\b")

ReferenceKind = Literal["upstream", "cherry-pick", "fixes", "revert", "quoted", "named", "mentioned"]


@dataclass(frozen=True, slots=True)
class Trailer:
    """`Key: value` in the last paragraph; `key` as spelled, `value` with continuation lines joined by a blank."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class CommitReference:
    """A commit named in prose. `commit` is what stands there, 7 to 40 hex digits; `subject` where one is quoted."""

    commit: str
    kind: ReferenceKind
    subject: str | None = None


def trailers(message: bytes) -> tuple[Trailer, ...]:
    """The trailers of the last paragraph, in order; notes in brackets and `(cherry picked …)` between them are passed.

    Empty if that paragraph is prose: at least half of its lines must be trailers, as git wants 25 % with a sign-off.
    """
    paragraphs = [part for part in re.split(rb"\n[ \t]*\n", message.strip(b"\n")) if part.strip()]
    if len(paragraphs) < 2:
        return ()
    found: list[Trailer] = []
    other = 0
    for line in paragraphs[-1].split(b"\n"):
        match = _TRAILER.fullmatch(line.rstrip())
        if match is not None:
            found.append(Trailer(match.group(1).decode("ascii"), _text(match.group(2).strip())))
        elif found and line[:1] in b" \t" and line.strip():
            found[-1] = Trailer(found[-1].key, f"{found[-1].value} {_text(line.strip())}")
        elif not _PICKED.search(line) and not _NOTE.match(line.strip()):
            other += 1
    is_signed = any(trailer.key.lower() == "signed-off-by" for trailer in found)
    limit = 3 * len(found) if is_signed else len(found)
    return tuple(found) if other <= limit else ()


def upstream_reference(message: bytes) -> str | None:
    """The upstream commit this is a backport of, as spelled (7 to 40 hex digits); None if it names none.

    `commit … upstream.`, `[ Upstream commit … ]`, `Upstream-commit: …`, `(cherry picked from commit …)`, in this order;
    of several cherry-picks the first, which was made from upstream (each pick appends a line). What a revert says of
    the commit that it reverts does not count.

    >>> upstream_reference(b"x86: fix\\n\\ncommit 4b239f458c229de044d6905c2b0f9fe16ed9e01e upstream.\\n")
    '4b239f458c229de044d6905c2b0f9fe16ed9e01e'
    """
    body = _REVERTED_UPSTREAM.sub(b"", message.partition(b"\n")[2])
    for form in _UPSTREAM:
        match = form.search(body)
        if match is not None:
            return match.group(1).decode("ascii")
    picked = _PICKED.search(body)
    return picked.group(1).decode("ascii") if picked else None


def reverted_subject(message: bytes) -> str | None:
    """The subject of what this commit says it reverts, wholly or partially, by its own subject; None if it is none.

    >>> reverted_subject(b'xen: partially revert "xen: set max_pfn_mapped"\\n')
    'xen: set max_pfn_mapped'
    """
    match = _REVERT_SUBJECT.match(message.lstrip(b"\n").partition(b"\n\n")[0].replace(b"\n", b" "))
    return _text(match.group(1)) if match else None


def fixes(message: bytes) -> tuple[CommitReference, ...]:
    """Every `Fixes:` line that names a commit (bug numbers and URLs are not)."""
    return tuple(
        CommitReference(match.group(1).decode("ascii"), "fixes", _text(match.group(2)) if match.group(2) else None)
        for match in _FIXES.finditer(message)
    )


def prose_references(message: bytes) -> tuple[CommitReference, ...]:
    """Every commit the message names outside of its backport line and `Fixes:`, in order, each once.

    Kinds, the first that fits: revert (`This reverts commit …`), quoted (a `commit …` line over an `Author:` line),
    named (an id with its subject in quotes), mentioned (`commit …`).
    """
    own = {upstream_reference(message), *(fix.commit for fix in fixes(message))}
    found: dict[str, tuple[int, CommitReference]] = {}
    kinds: tuple[tuple[ReferenceKind, re.Pattern[bytes]], ...] = (
        ("revert", _REVERT),
        ("quoted", _QUOTED_LOG),
        ("named", _NAMED),
        ("mentioned", _BARE),
    )
    subjects = {match.group(1).decode("ascii"): _joined(match.group(2)) for match in _NAMED.finditer(message)}
    for kind, form in kinds:
        for match in form.finditer(message):
            commit = match.group(1).decode("ascii")
            if commit in own or commit in found or not _is_id(commit):
                continue
            subject = subjects.get(commit) or (_quoted_subject(message[match.end() :]) if kind == "quoted" else None)
            found[commit] = (match.start(), CommitReference(commit, kind, subject))
    return tuple(reference for _, reference in sorted(found.values(), key=lambda item: item[0]))


def _is_id(spelled: str) -> bool:
    """Words such as "defaced" and plain numbers are not ids unless they are long."""
    return len(spelled) >= 12 or (any(c.isdigit() for c in spelled) and any(c.isalpha() for c in spelled))


def _quoted_subject(rest: bytes) -> str | None:
    """The subject below a quoted log's headers: the first line after the empty one."""
    _, separator, body = rest.partition(b"\n\n")
    line = body.partition(b"\n")[0].strip()
    return _text(line) if separator and line else None


def _joined(text: bytes) -> str:
    return _text(b" ".join(text.split()))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
