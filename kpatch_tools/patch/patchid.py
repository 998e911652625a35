"""git patch-id --stable: the identity of a change, whatever its line numbers, blanks and the order of its files."""

import hashlib
from collections.abc import Iterable

from kpatch_tools.core.ids import PatchId

from .format import format_file
from .values import FileDiff

_BLANKS = b" \t\n\r"  # what git counts as one: neither form feed nor vertical tab


def patch_id(files: Iterable[FileDiff]) -> PatchId:
    """As `git diff --full-index | git patch-id --stable` prints it (the ids matter for binary files only).

    Zeros for no files at all.
    """
    total = 0
    digest = hashlib.sha1(usedforsecurity=False)
    is_open = after_binary = False
    for file in files:
        # git ends a file where its hunks end: one without hunks (a new mode) counts with the file after it.
        _hash(file, digest, skip_name=after_binary)
        is_open, after_binary = True, file.binary
        if file.binary or file.hunks:
            total = _added(total, digest.digest())
            digest = hashlib.sha1(usedforsecurity=False)
            # It also adds what is still open at the end, which after a binary file is nothing but counts all the same.
            is_open = file.binary
    if is_open:
        total = _added(total, digest.digest())
    return PatchId(total.to_bytes(20, "little").hex())


def _hash(file: FileDiff, digest: "hashlib._Hash", *, skip_name: bool) -> None:
    text = format_file(file, abbrev=40)
    if skip_name:
        # git takes the line after a binary file's for the sign that it is over, and nothing else.
        text = text.partition(b"\n")[2]
    if file.binary:
        # Of a binary file git hashes the header up to here, and then the two ids.
        digest.update((b"\n" + text).partition(b"\nindex ")[0].translate(None, _BLANKS))
        digest.update(f"{file.old_blob}{file.new_blob}".encode())
        return
    for row in text.split(b"\n"):
        if not row.startswith((b"index ", b"@@ -", b"\\ ")):
            digest.update(row.translate(None, _BLANKS))


def _added(total: int, digest: bytes) -> int:
    """git adds the files' digests byte by byte with carry, first byte lowest, and drops the last carry."""
    return (total + int.from_bytes(digest, "little")) % (1 << 160)
