"""What a commit is found by besides its files: its subject, and what its message speaks of."""

import re
from collections.abc import Iterator
from hashlib import blake2b

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import fixes, reverted_subject, upstream_reference
from kpatch_tools.tree import CommitData

SHORTEST = 7
"""Digits of an abbreviated id; fewer are too often something else."""

_TOKEN = re.compile(rb"(?<![0-9A-Za-z])[0-9a-fA-F]{7,40}(?![0-9A-Za-z])")
_ANNOUNCED = re.compile(rb"\b(?:commits?|fixes|upstream)\b[:\s]*\Z", re.IGNORECASE)
_QUOTED = range(10, 250)  # bytes; shorter ones are words, longer ones what stands between two quotations


def cited_ids(message: bytes) -> frozenset[str]:
    """Every (abbreviated) commit id in a message, in lower case; plain numbers and words only where called a commit.

    >>> sorted(cited_ids(b"since 1234567 ms, see 92bdaef7b2c and commit 7654321"))
    ['7654321', '92bdaef7b2c']
    """
    found = {one.commit for one in fixes(message)}
    reference = upstream_reference(message)
    if reference is not None:
        found.add(reference)
    for match in _TOKEN.finditer(message):
        text = match.group().decode("ascii").lower()
        is_mixed = not text.isdigit() and not text.isalpha()
        if is_mixed or len(text) >= 16 or _ANNOUNCED.search(message[max(0, match.start() - 20) : match.start()]):
            found.add(text)
    return frozenset(found)


def quoted_texts(message: bytes) -> frozenset[bytes]:
    r"""Whatever stands between double quotes in a message, or is named as fixed or reverted, as `normal_subject`.

    A subject is often wrapped, and quotation marks seldom come in pairs: what stands between any two counts.

    >>> sorted(quoted_texts(b'x: y\n\nThis follows ("mm: keep the\nlast page").\n'))
    [b'mm: keep the last page']
    """
    found = {normal_subject(one.subject) for one in fixes(message) if one.subject}
    reverted = reverted_subject(message)
    if reverted is not None:
        found.add(normal_subject(reverted))
    for part in message.split(b'"')[1:-1]:
        if len(part) in _QUOTED and b"\n\n" not in part:
            found.add(normal_subject(part.decode("utf-8", "surrogateescape")))
    return frozenset(found)


def normal_subject(subject: str) -> bytes:
    """
    >>> normal_subject("x86:  Put tables\\thigh.")
    b'x86: put tables high'
    """
    return " ".join(subject.lower().split()).rstrip(" .").encode("utf-8", "surrogateescape")


def speaks_of(message: bytes, oid: ObjectId, subject: str) -> bool:
    """Whether a message cites this id, or quotes this subject."""
    wanted = normal_subject(subject)
    if any(oid.startswith(one) for one in cited_ids(message)):
        return True
    return len(wanted) in _QUOTED and wanted in quoted_texts(message)


def keys_of(commit: CommitData) -> frozenset[int]:
    """All keys of a commit."""
    return frozenset(_keys_of(commit))


def _keys_of(commit: CommitData) -> Iterator[int]:
    yield subject_key(commit.subject)
    for cited in cited_ids(commit.message):
        yield cited_key(cited)
    for quoted in quoted_texts(commit.message):
        yield _key(b"q", quoted)


def subject_key(subject: str) -> int:
    return _key(b"s", normal_subject(subject))


def cited_key(oid: str) -> int:
    """The same for a full id and for each of its abbreviations."""
    return _key(b"c", oid[:SHORTEST].encode("ascii"))


def quoted_key(subject: str) -> int:
    return _key(b"q", normal_subject(subject))


def _key(kind: bytes, text: bytes) -> int:
    return int.from_bytes(blake2b(kind + text, digest_size=6).digest(), "big")
