"""git patch-id --stable: the identity of a change, whatever its line numbers, blanks and the order of its files."""

import hashlib
from collections.abc import Iterable

from kpatch_tools.core.ids import PatchId

from .format import format_file
from .values import FileDiff

_BLANKS = b" \t\n\r"  # what git counts as one: neither form feed nor vertical tab


def patch_id(files: Iterable[FileDiff]) -> PatchId:
    """As `git diff | git patch-id --stable` prints it; zeros for no files."""
    total = 0
    for file in files:
        total = _added(total, _digest(file))
    return PatchId(total.to_bytes(20, "little").hex())


def _digest(file: FileDiff) -> bytes:
    digest = hashlib.sha1(usedforsecurity=False)
    if file.binary:
        # Of a binary file git hashes the header up to here, and then the two full ids.
        header = format_file(file).partition(b"\nindex ")[0]
        digest.update(header.translate(None, _BLANKS))
        digest.update(f"{file.old_blob}{file.new_blob}".encode())
        return digest.digest()
    for row in format_file(file).split(b"\n"):
        if not row.startswith((b"index ", b"@@ -", b"\\ ")):
            digest.update(row.translate(None, _BLANKS))
    return digest.digest()


def _added(total: int, digest: bytes) -> int:
    """git adds the files' digests byte by byte with carry, first byte lowest, and drops the last carry."""
    return (total + int.from_bytes(digest, "little")) % (1 << 160)
