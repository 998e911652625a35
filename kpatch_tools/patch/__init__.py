"""Patches: text to values and back, diff, apply, identity, messages; the only room that imports unidiff."""

from .apply import ApplyResult, PlacedHunk, Reject, apply_patch
from .commit import diff_change, patch_of_commit
from .diff import blob_id, diff_blobs, diff_hunks, diff_sources
from .diffstat import format_diffstat
from .format import format_diff, format_file, format_hunk
from .format_mail import format_patch
from .mail import format_date, parse_date, split_mbox
from .message import CommitReference, Trailer, fixes, prose_references, reverted_subject, trailers, upstream_reference
from .obstacles import obstacle, special_at
from .parse import parse_mbox, parse_patch
from .patchid import patch_id
from .values import FileDiff, Hunk, Line, Patch, Person

__all__ = [
    "ApplyResult",
    "CommitReference",
    "FileDiff",
    "Hunk",
    "Line",
    "Patch",
    "Person",
    "PlacedHunk",
    "Reject",
    "Trailer",
    "apply_patch",
    "blob_id",
    "diff_blobs",
    "diff_change",
    "diff_hunks",
    "diff_sources",
    "fixes",
    "format_date",
    "format_diff",
    "format_diffstat",
    "format_file",
    "format_hunk",
    "format_patch",
    "obstacle",
    "parse_date",
    "parse_mbox",
    "parse_patch",
    "patch_id",
    "patch_of_commit",
    "prose_references",
    "reverted_subject",
    "special_at",
    "split_mbox",
    "trailers",
    "upstream_reference",
]
