"""What a check is: a value with a stable id and one function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff
from kpatch_tools.syntax.includes import Includes


@dataclass(frozen=True, slots=True)
class UpstreamCommit:
    """What a reference in a message resolved to."""

    oid: str
    subject: str


Lookup = Callable[[str], UpstreamCommit | None]
"""Resolves an abbreviated or full commit id; None if the repository at hand does not have it."""


EditOf = Callable[[str], tuple[FileDiff, ...] | None]
"""What a commit, by its full id, changes; None if the repository at hand does not have it."""


def _nothing_known(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A patch as checks see it: the tree before, the tree after, and what was said about it.

    Compared by identity, so that what is found out about one change can be kept for the next check.

    `touched` are the paths that differ. `message` is the commit message, empty if there is none. `lookup` finds the
    commits a message refers to, `edit_of` what they change.
    """

    before: BlobSource
    after: BlobSource
    touched: tuple[RepoPath, ...]
    message: bytes = b""
    lookup: Lookup = _nothing_known
    edit_of: EditOf = _nothing_known


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `run` yields what is new with the change: at least one finding, PASS or SKIP if nothing is wrong.

    What the tree before had already is not reported against the change.
    """

    id: str
    title: str
    run: Callable[[Change], Iterator[Finding]]


@lru_cache(maxsize=2)
def includes_after(change: Change) -> Includes:
    """Who includes whom after the change; several checks ask, one after the other."""
    return Includes(change.after)
