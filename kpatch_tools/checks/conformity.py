"""backport-conformity: a backport changes what its upstream commit changes, or says what it does otherwise.

Why: whoever reviews a stable patch trusts the commit it cites and looks at the rest; what differs without a word is
looked at by nobody. Example: a hunk that was left out because its file is not there.
Source: Documentation/process/stable-kernel-rules.rst and backporting.rst ("[ note about what was adapted ]").
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import whole_edit
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.patch import upstream_reference
from kpatch_tools.patch.compare import FileComparison, compare_edits

ID = "backport-conformity"
_NOTE = re.compile(
    rb"^[ \t]*[\[(][^\])]{6,}"
    rb"|\b(?:back-?port(?:ed|s)?|adapt(?:ed|s)?|adjust(?:ed)?|dropped|conflicts?|modified|re-?diffed)\b",
    re.MULTILINE | re.IGNORECASE,
)
_REFERENCE = re.compile(rb"^[ \t]*\[?[^\n]*(?:upstream|cherry picked from)[^\n]*\]?$", re.MULTILINE | re.IGNORECASE)
_SHOWN = 60


def run(change: Change) -> Iterator[Finding]:
    """WARN for the first file in which changed lines differ although the message declares nothing; SKIP where no
    upstream commit is named or at hand, and where the message says that something was adapted."""
    reference = upstream_reference(change.message)
    commit = change.lookup(reference) if reference is not None else None
    upstream = change.edit_of(commit.oid) if commit is not None else None
    if commit is None or upstream is None:
        yield Finding(ID, Status.SKIP, "no upstream commit to compare with")
        return
    different = [(one, found) for one in compare_edits(upstream, whole_edit(change), {}) if (found := _lines(one))]
    if not different:
        yield Finding(ID, Status.PASS, f"changes the same lines as {commit.oid[:12]}")
    elif _declared(change.message):
        yield Finding(ID, Status.SKIP, f"differs from {commit.oid[:12]}, as the message says")
    else:
        first, lines = different[0]
        verb, kind, text = lines[0]
        line = text.decode("utf-8", "replace").strip()[:_SHOWN]
        more = sum(len(found) for _, found in different) - 1
        message = f"differs from upstream commit {commit.oid[:12]} without saying so: {verb} {kind}{line}"
        yield Finding(
            ID,
            Status.WARN,
            message + (f" (and {more} lines more)" if more else ""),
            first.path,
            hint="say in brackets above the sign-off what was done otherwise and why",
        )


def _lines(one: FileComparison) -> list[tuple[str, str, bytes]]:
    """Changed lines that only one side has; how they are spaced, and empty ones, nobody needs to be told of."""
    sides = [[line for line in side if line not in _respaced(side)] for side in (one.missing, one.extra)]
    missing, extra = (Counter((kind, _squeezed(text)) for kind, text in side) for side in sides)
    return [
        (verb, kind, text)
        for verb, side, only in zip(("lacks", "has"), sides, (missing - extra, extra - missing), strict=True)
        for kind, text in side
        if text.strip() and (kind, _squeezed(text)) in only
    ]


def _respaced(side: Collection[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Lines that were only spaced anew, as `f (x)` and `f(x)`; one that is as it was stands elsewhere now."""
    old, new = ({text.strip(): _squeezed(text) for kind, text in side if kind == wanted} for wanted in "-+")
    other = set(old) ^ set(new)
    both = {old[text] for text in old if text in other} & {new[text] for text in new if text in other}
    return {(kind, text) for kind, text in side if _squeezed(text) in both}


def _squeezed(text: bytes) -> bytes:
    return b"".join(text.split())


def _declared(message: bytes) -> bool:
    """Whether the message speaks of an adaptation; the line with the reference itself does not count."""
    body = message.partition(b"\n")[2]
    return _NOTE.search(_REFERENCE.sub(b"", body)) is not None


CHECK = Check(ID, "a backport changes what upstream changed, or says what not", run)
