"""Where in a patch a finding about a file is."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import apply_patch, parse_patch
from kpatch_tools.review.placing import place_in_patch

from .conftest import lines

PATCH = parse_patch(
    b"""diff --git a/one.c b/one.c
--- a/one.c
+++ b/one.c
@@ -1,4 +1,5 @@
 int line1;
-int line2;
+int new2;
+int more;
 int line3;
 int line4;
@@ -20,3 +21,3 @@ int line19;
 int line20;
-int line21;
+int new21;
 int line22;
"""
)


@pytest.mark.parametrize(
    ("line", "hunk", "text"),
    [
        (2, 0, b"int new2;"),
        (3, 0, b"int more;"),
        (22, 1, b"int new21;"),
        (25, 1, b"int line22;"),
        (None, 0, b"int line2;"),
    ],
)
def test_the_line_is_found(line: int | None, hunk: int, text: bytes) -> None:
    place = place_in_patch(PATCH, (), Finding("x", Status.FAIL, "y", RepoPath("one.c"), line))
    assert place is not None
    assert place.hunk == hunk
    assert place.hunk_of(PATCH)[1].lines[place.row].text == text


@pytest.mark.parametrize(("file", "line"), [("one.c", 12), ("other.c", 2), (None, None)])
def test_what_the_patch_does_not_touch_has_no_place(file: str | None, line: int | None) -> None:
    finding = Finding("x", Status.FAIL, "y", RepoPath(file) if file else None, line)
    assert place_in_patch(PATCH, (), finding) is None


def test_hunks_that_were_moved_are_followed(sources: Callable[..., BlobSource]) -> None:
    # Seven lines more between the two hunks.
    text = lines(10) + "int above;\n" * 7 + lines(40).partition("int line10;\n")[2]
    placed = apply_patch(PATCH.files, sources({"one.c": text})).placed
    finding = Finding("x", Status.FAIL, "y", RepoPath("one.c"), 22 + 7)
    place = place_in_patch(PATCH, placed, finding)
    assert place is not None
    assert place.hunk_of(PATCH)[1].lines[place.row].text == b"int new21;"
