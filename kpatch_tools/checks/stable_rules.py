"""stable-rules: a patch for a stable tree is small, and changes nothing but code.

Why: stable maintainers take one obvious fix at a time, and nobody can judge a large one late. Example: a cleanup that
came along with the fix. Source: Documentation/process/stable-kernel-rules.rst ("no bigger than 100 lines, with
context"; "no trivial fixes such as spelling or white space").
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import whole_edit
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.patch import FileDiff, upstream_reference

ID = "stable-rules"
MOST_LINES = 100


def run(change: Change) -> Iterator[Finding]:
    """WARN for what is too large, or changes only white space; SKIP for what cites no upstream commit."""
    if upstream_reference(change.message) is None:
        yield Finding(ID, Status.SKIP, "the message names no upstream commit")
        return
    edit = whole_edit(change)
    lines = sum(len(hunk.lines) for diff in edit for hunk in diff.hunks)
    if lines > MOST_LINES:
        yield Finding(ID, Status.WARN, f"{lines} lines with context, where stable trees take {MOST_LINES}")
    if edit and all(map(_only_blanks, edit)):
        yield Finding(ID, Status.WARN, "changes nothing but white space")
    elif lines <= MOST_LINES:
        yield Finding(ID, Status.PASS, f"{lines} lines with context")


def _only_blanks(diff: FileDiff) -> bool:
    if not diff.hunks or diff.old_path is None or diff.new_path is None:
        return False
    # With the context, for a line that was moved over others is no white space.
    old, new = (
        b"".join(b"".join(line.text.split()) for hunk in diff.hunks for line in hunk.lines if line.kind != other)
        for other in "+-"
    )
    return old == new


CHECK = Check(ID, "what goes to a stable tree is small, and no cleanup", run)
