"""Whether one commit takes back another: by what it does, not by the id its message cites."""

from collections import Counter

from kpatch_tools.core.ids import RepoPath

from .change import Change
from .lines import normal_line


def reverts(later: Change, earlier: Change) -> bool:
    """Whether `later` undoes `earlier`: the inverse lines, or its subject says so and most of its lines do."""
    minus, plus = _lines(earlier)
    taken, put = _lines(later)
    if not minus and not plus:
        return False
    if (taken, put) == (plus, minus):
        return True
    said = later.subject.startswith('Revert "') and later.subject[8:].rstrip('"') == earlier.subject.rstrip('"')
    undone = sum(((taken & plus) + (put & minus)).values())
    return said and 2 * undone >= sum((plus + minus).values())


Lines = Counter[tuple[RepoPath, bytes]]


def _lines(change: Change) -> tuple[Lines, Lines]:
    """The removed and the added lines with their files, blank ones left out."""
    minus: Lines = Counter()
    plus: Lines = Counter()
    for file in change.files:
        path = file.new_path or file.old_path
        if path is None:
            continue
        for hunk in file.hunks:
            for line in hunk.lines:
                normal = normal_line(line.text)
                if normal and line.kind != " ":
                    (minus if line.kind == "-" else plus)[path, normal] += 1
    return minus, plus
