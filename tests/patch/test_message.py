"""What messages say about other commits."""

import pytest
from kpatch_tools.patch import fixes, prose_references, reverted_subject, trailers, upstream_reference

A, B = "4b239f458c229de044d6905c2b0f9fe16ed9e01e", "279b706bf8007f9e0b9ab8a2f1c4d9c4d1b3b0a1"


@pytest.mark.parametrize(
    "line",
    [
        f"commit {A} upstream.",
        f"commit {A} upstream (as of v2.6.34-git13)",
        f"Commit: {A} upstream",
        f"Commit {A} upstream",
        f"[ Upstream commit {A} ]",
        f"[Upstream commit {A}]",
        f"upstream commit {A}",
        f"Upstream commit: {A}",
        f"Upstream-commit: {A}",
        f"Upstream: commit {A}",
        f"commit {A} in mainline.",
        f"(cherry picked from commit {A})",
        f"(Cherry-picked from commit {A})",
        f"(cherry picked from commit {A})\n(cherry picked from commit {B})",
    ],
)
def test_every_form_of_an_upstream_reference(line):
    assert upstream_reference(f"x86: fix\n\n{line}\n\nBody.\n\nSigned-off-by: A <a@b>\n".encode()) == A


@pytest.mark.parametrize(
    "text",
    [
        f"This is related to commit {A}\nupstream, but not it.",
        f"This reverts commit {A}.",
        f"This reverts commit {A[::-1]}, which was\ncommit {A} upstream.",
        f"This reverts commit {A[::-1]}\n[Upstream commit {A}]",
        f"Revert commit {A[::-1]} that is\nupstream commit {A}.",
        f'commit {A} ("x86: y") broke this.',
        "commit deadbeef upstreamed nothing? no id: commit message upstream.",
        f'Fixes: {A[:12]} ("x86: y")',
        "",
    ],
)
def test_what_is_no_upstream_reference(text):
    found = upstream_reference(f"x86: fix\n\n{text}\n".encode())
    assert found is None or "deadbeef" in text


def test_abbreviations_are_given_as_spelled():
    assert upstream_reference(b"x\n\n(cherry picked from commit 4b239f458c22)\n") == "4b239f458c22"


def test_fixes():
    found = fixes(
        f'x\n\nFixes: {A[:12]} ("x86-64, mm: Put early page table high")\nFixes: bug 12345\n'
        f"Fixes: commit {B[:12]} (x86: no quotes)\nFixes: https://example.org/{A}\n".encode()
    )
    assert [(f.commit, f.subject) for f in found] == [
        (A[:12], "x86-64, mm: Put early page table high"),
        (B[:12], None),
    ]


def test_prose():
    text = f"""xen: something

commit {B} upstream.

As a consequence of the commit:

commit {A}
Author: Somebody <s@example.org>
Date:   Fri Dec 17 16:58:28 2010 -0800

    x86-64, mm: Put early page table high

things broke. This reverts commit a38647837a411f7df79623128421eef2118b5884,
and follows d8aa5ec3382e ("xen: update
mask_rw_pte"). Compare commit b9269dc7bfdf8c985971c09f2dfb2aae04ad7fea too.
A face, an added decade and 1234567 are none.
"""
    assert [(r.commit[:7], r.kind, r.subject) for r in prose_references(text.encode())] == [
        ("4b239f4", "quoted", "x86-64, mm: Put early page table high"),
        ("a386478", "revert", None),
        ("d8aa5ec", "named", "xen: update mask_rw_pte"),
        ("b9269dc", "mentioned", None),
    ]


def test_trailers():
    message = b"""x86: fix

Note: this is prose, in a paragraph of its own.

Reported-by: A <a@b>
Cc: stable@example.org # 3.3.x: a1f84a3:
 continued
[ bob@example.org: adapted ]
(cherry picked from commit 4b239f458c229de044d6905c2b0f9fe16ed9e01e)
Signed-off-by: B <b@c>
"""
    assert [(t.key, t.value) for t in trailers(message)] == [
        ("Reported-by", "A <a@b>"),
        ("Cc", "stable@example.org # 3.3.x: a1f84a3: continued"),
        ("Signed-off-by", "B <b@c>"),
    ]


@pytest.mark.parametrize("message", [b"", b"x86: only a subject\n", b"x\n\nNote: one\nthis is prose\nand more\n"])
def test_no_trailers(message):
    assert trailers(message) == ()


@pytest.mark.parametrize(
    ("subject", "reverted"),
    [
        (b'Revert "x86: y"\n\nThis reverts ...\n', "x86: y"),
        (b'xen: partially revert "xen: z"\n', "xen: z"),
        (b'Revert "Revert "x86: y""\n', 'Revert "x86: y"'),
        (b"x86: y\n", None),
    ],
)
def test_reverted_subject(subject, reverted):
    assert reverted_subject(subject) == reverted
