"""Where in a patch a finding about a file is."""

from collections.abc import Iterable

from kpatch_tools.core.finding import Finding
from kpatch_tools.patch import Patch, PlacedHunk

from .values import PatchPlace

_NEAR = 3  # lines beside a hunk that still belong to it for a reader


def place_in_patch(patch: Patch, placed: Iterable[PlacedHunk], finding: Finding) -> PatchPlace | None:
    """The patch's line that the finding's line of the file is; the first changed one of the file's first hunk where the
    finding names only the file; None where the patch does not touch the place.

    `placed` says by how much hunks were moved on their way into the file.
    """
    for number, diff in enumerate(patch.files):
        if finding.file is None or finding.file not in (diff.new_path, diff.old_path) or not diff.hunks:
            continue
        if finding.line is None:
            return PatchPlace(number, 0, diff.hunks[0].leading)
        offsets = {id(one.hunk): one.offset for one in placed if one.file is diff}
        best: tuple[tuple[int, bool], PatchPlace] | None = None
        for index, hunk in enumerate(diff.hunks):
            line = hunk.new_start + offsets.get(id(hunk), 0)
            for row, text in enumerate(hunk.lines):
                # A removed line stands where the one after it does, which is the one that is meant.
                near = abs(line - finding.line), text.kind == "-"
                if near[0] <= _NEAR and (best is None or near < best[0]):
                    best = near, PatchPlace(number, index, row)
                if text.kind != "-":
                    line += 1
        return best[1] if best is not None else None
    return None
