"""parse-damage: the patch leaves no C file harder to parse than it was.

Why: a misplaced hunk shows as an unbalanced brace or a statement outside of a function long before a compiler sees it.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import edits
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.syntax import parse_c

ID = "parse-damage"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each file in which more text than before cannot be parsed, at the first new place."""
    clean = True
    for edit in edits(change):
        if edit.after is None:
            continue
        after = parse_c(edit.after)
        if not after.errors:
            continue
        before = parse_c(edit.before or b"")
        known = {before.source[span.start : span.end] for span in before.errors}
        new = [span for span in after.errors if after.source[span.start : span.end] not in known]
        if len(after.errors) > len(before.errors) and new:
            clean = False
            line = edit.after.count(b"\n", 0, new[0].start) + 1
            yield Finding(ID, Status.FAIL, f"{edit.path} no longer parses as C here", edit.path, line)
    if clean:
        yield Finding(ID, Status.PASS, "no new parse damage")


CHECK = Check(ID, "no new parse damage", run)
