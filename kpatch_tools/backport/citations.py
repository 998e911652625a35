"""Which commits a message says it repairs, and what they are in the history at hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import CommitReference, fixes, prose_references
from kpatch_tools.tree import CommitData

from .past import Past

BLAMES_NEXT = re.compile(
    rb"(?:as a consequence of|caused by|introduced (?:by|in|with)|broken by|regression (?:from|of|since|in)|since)"
    rb"\s+(?:the\s+)?(?:following\s+)?(?:upstream\s+)?(?:commit:?\s*)*$",
    re.IGNORECASE,
)
BLAMED_BEFORE = re.compile(
    rb"\A[0-9a-f]*[\s,]*(?:\([^)]*\)[\s,]*)?(?:causes?|caused|broke|breaks|introduced)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A commit named as the cause: the id as spelled, the subject quoted with it (None if none), and where."""

    spelled: str
    subject: str | None
    how: str


def find_citations(message: bytes) -> tuple[Citation, ...]:
    """The causes a message names, Fixes: tags first. A commit that is only spoken of is none."""
    tags = (Citation(one.commit, one.subject, "Fixes: tag") for one in fixes(message))
    return tuple(dict.fromkeys((*tags, *_prose(message))))


def _prose(message: bytes) -> Iterator[Citation]:
    for reference in prose_references(message):
        if reference.kind != "revert" and _is_blamed(message, reference):
            yield Citation(reference.commit, reference.subject, "in prose")


def _is_blamed(message: bytes, reference: CommitReference) -> bool:
    at = message.find(reference.commit.encode())
    return bool(BLAMES_NEXT.search(message[:at])) or bool(BLAMED_BEFORE.search(message[at:]))


def resolve_citation(past: Past, citation: Citation, *, citing: ObjectId | None) -> CommitData | None:
    """The cited commit among the ancestors of `citing`; for a bare patch (None), whatever has this id.

    A rewritten history (a filtered repository, a vendor's import) keeps messages that cite the ids of another one: an
    id counts only as an ancestor's; otherwise the quoted subject decides.
    """
    found = past.find(citation.spelled, below=citing)
    if found is not None or not citation.subject or citing is None:
        return found
    return next(past.called(citation.subject, below=citing), None)
