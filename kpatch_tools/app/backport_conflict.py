"""What a person goes on from where a change does not go on cleanly: rejects, and a tree with conflict markers."""

from collections.abc import Mapping
from dataclasses import dataclass

from kpatch_tools.backport import Change, HunkResult
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, Hunk, diff_hunks, format_hunk
from kpatch_tools.tree import merge_blobs

_NEIGHBOURS = 20
"""As many lines more than the hunk's own may stand on upstream's side of a conflict."""


@dataclass(frozen=True, slots=True)
class Left:
    """The hunks of one file that are left to a person, each with why; `path` is the target's."""

    path: RepoPath
    file: FileDiff
    hunks: tuple[tuple[Hunk, HunkResult], ...]


def find_left(change: Change, hunks: tuple[HunkResult, ...], renamed: Mapping[RepoPath, RepoPath]) -> tuple[Left, ...]:
    """In the change's order; what has no hunks (a binary file, a mode) is not among them."""
    found = []
    for file in change.files:
        path = renamed.get(file.path, file.path)
        needy = {one.number: one for one in hunks if one.file == path and one.kind is HunkClass.NEEDS_HUMAN}
        pairs = tuple((hunk, needy[number]) for number, hunk in enumerate(file.hunks, start=1) if number in needy)
        if pairs:
            found.append(Left(path, file, pairs))
    return tuple(found)


def format_rejects(left: tuple[Left, ...]) -> dict[str, bytes]:
    """Contents by name, as patch(1) leaves them: FILE.rej with the hunks of FILE that did not go on."""
    return {
        f"{one.path}.rej": f"--- {one.path}\n+++ {one.path}\n".encode("utf-8", "surrogateescape")
        + b"".join(format_hunk(hunk) for hunk, _ in one.hunks)
        for one in left
    }


def format_left(left: tuple[Left, ...]) -> bytes:
    """What a commit message says of it."""
    rows = [
        f"\t{one.path} hunk {hunk.number}: {hunk.kind.label}: {hunk.why}\n" for one in left for _, hunk in one.hunks
    ]
    return "".join(("Conflicts:\n", *rows)).encode("utf-8", "surrogateescape")


def mark_conflicts(
    change: Change,
    left: tuple[Left, ...],
    target: BlobSource,
    done: Mapping[RepoPath, bytes | None],
    target_commit: ObjectId,
) -> dict[RepoPath, bytes | None]:
    """`done` with the hunks in `left` as conflicts, between markers that name both commits and the reason.

    Where the target has no such file there is nothing to mark.
    """
    result = dict(done)
    for one in left:
        ours = result.get(one.path, target.read(one.path))
        if ours is None:
            continue
        base = change.before.read(one.file.old_path) if change.before is not None and one.file.old_path else None
        for hunk, why in reversed(one.hunks):
            labels = _labels(change, target_commit, why)
            ours = _merged(base, ours, hunk, labels) or _inserted(base, ours, hunk, labels)
        result[one.path] = ours
    return result


def _labels(change: Change, target_commit: ObjectId, why: HunkResult) -> tuple[bytes, bytes]:
    upstream = f"{change.commit[:12]} ({change.subject})" if change.commit is not None else change.subject or "patch"
    theirs = f"{upstream}, hunk {why.number}: {why.kind.label}: {why.why}"
    return f"{target_commit[:12]} (target)".encode(), theirs.replace("\n", " ").encode("utf-8", "surrogateescape")


def _merged(base: bytes | None, ours: bytes, hunk: Hunk, labels: tuple[bytes, bytes]) -> bytes | None:
    """The hunk alone merged into the file, with git's markers; None where no conflict shows where it belongs.

    Where the versions differ at large, a conflict holds whole functions that the change has nothing to do with: that is
    none to go on from either.
    """
    if base is None:
        return None
    lines = _split(base)
    start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
    theirs = b"".join([*lines[:start], *hunk.new_lines, *lines[start + len(hunk.old_lines) :]])
    merged = merge_blobs(base, ours, theirs)
    if not merged.conflicts or merged.data == ours:
        return None
    rows: list[bytes] = []
    begun = 0
    for row in merged.data.split(b"\n"):
        if row == b"<<<<<<< ours":
            row, begun = b"<<<<<<< " + labels[0], len(rows)
        elif row == b">>>>>>> theirs":
            row = b">>>>>>> " + labels[1]
            if len(rows) - rows.index(b"=======", begun) - 1 > len(hunk.new_lines) + _NEIGHBOURS:
                return None
        rows.append(row)
    return b"\n".join(rows)


def _inserted(base: bytes | None, ours: bytes, hunk: Hunk, labels: tuple[bytes, bytes]) -> bytes:
    """The hunk's new lines where they would be, against nothing: it takes no line of the target away."""
    lines = _split(ours)
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    moved = 0
    for known in diff_hunks(base, ours, context=0) if base is not None else ():
        if known.old_start + known.old_count <= hunk.old_start:
            moved += known.new_count - known.old_count
    at = min(max(hunk.old_start - 1 + moved, 0), len(lines))
    new = [line if line.endswith(b"\n") else line + b"\n" for line in hunk.new_lines]
    block = [b"<<<<<<< " + labels[0] + b"\n", b"=======\n", *new, b">>>>>>> " + labels[1] + b"\n"]
    return b"".join([*lines[:at], *block, *lines[at:]])


def _split(data: bytes) -> list[bytes]:
    pieces = data.split(b"\n")
    tail = pieces.pop()
    return [piece + b"\n" for piece in pieces] + ([tail] if tail else [])
