"""A change carried from small sources to a small target."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.backport.change import Change
from kpatch_tools.backport.engine import carry_change
from kpatch_tools.backport.outcome import Pick
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import diff_sources

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
