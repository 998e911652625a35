"""A change carried from small sources to a small target."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.backport.change import Change
from kpatch_tools.backport.engine import carry_change
from kpatch_tools.backport.guards import Carriage, Carried
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import diff_blobs, diff_sources

Files = Mapping[str, str]


@pytest.fixture
def pick(sources: Callable[[Files], BlobSource]) -> Callable[[Files, Files, Files], Pick]:
    """`pick(before, edited, target)`: the edit of upstream's `before` on `target`; files by path, as text."""

    def build(before: Files, edited: Files, target: Files) -> Pick:
        old = sources(before)
        changes = {path: text.encode() for path, text in edited.items()}
        change = Change("a change", b"a change\n", diff_sources(old, changes), None, old, Overlay(old, changes))
        return carry_change(change, sources(target))

    return build


@pytest.fixture
def merged(sources: Callable[[Files], BlobSource]) -> Callable[[str, str, str, str, str], Carriage]:
    """`merged(path, base, theirs, ours, result)`: a file of which all hunks were merged, to whatever result."""

    def build(path: str, base: str, theirs: str, ours: str, result: str) -> Carriage:
        file = RepoPath(path)
        diff = diff_blobs(file, base.encode(), theirs.encode())
        assert diff is not None
        hunks = tuple(HunkResult(file, number, HunkClass.MERGED, "") for number in range(1, len(diff.hunks) + 1))
        texts = (text.encode() for text in (base, theirs, ours, result))
        return Carriage((Carried(diff, file, *texts, hunks),), sources({path: ours}), None, None)

    return build
