"""FileDiffs to text, byte for byte as git diff writes them."""

from collections.abc import Iterable

from .paths import quote
from .values import FileDiff, Hunk

_PLAIN = 0o100644
ABBREVIATION = 12
"""Digits of blob ids in index lines: what the kernel's documentation asks of core.abbrev."""


def format_diff(files: Iterable[FileDiff], *, abbrev: int = ABBREVIATION) -> bytes:
    """The diff of all files; `abbrev` is the most digits of a blob id to show (40: all)."""
    return b"".join(format_file(file, abbrev=abbrev) for file in files)


def format_file(file: FileDiff, *, abbrev: int = ABBREVIATION) -> bytes:
    """One file's diff, from `diff --git` to its last line."""
    old, new = quote(f"a/{file.old_path or file.path}"), quote(f"b/{file.new_path or file.path}")
    rows = [b"diff --git " + old + b" " + new, *_extended(file, abbrev)]
    if file.binary:
        sides = (old if file.old_path else b"/dev/null", new if file.new_path else b"/dev/null")
        rows.append(b"Binary files " + sides[0] + b" and " + sides[1] + b" differ")
    elif file.hunks:
        rows.append(b"--- " + (_tabbed(old) if file.old_path else b"/dev/null"))
        rows.append(b"+++ " + (_tabbed(new) if file.new_path else b"/dev/null"))
    return b"\n".join(rows) + b"\n" + b"".join(format_hunk(hunk) for hunk in file.hunks)


def _tabbed(name: bytes) -> bytes:
    """A name with blanks is followed by a tab, which tells other tools where it ends."""
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _extended(file: FileDiff, abbrev: int) -> list[bytes]:
    rows: list[bytes] = []
    if file.old_path is None:
        rows.append(b"new file mode %06o" % (file.new_mode or _PLAIN))
    elif file.new_path is None:
        rows.append(b"deleted file mode %06o" % (file.old_mode or _PLAIN))
    elif file.old_mode != file.new_mode and file.old_mode and file.new_mode:
        rows += [b"old mode %06o" % file.old_mode, b"new mode %06o" % file.new_mode]
    if file.old_path and file.new_path and file.old_path != file.new_path:
        verb = b"copy" if file.copied else b"rename"
        if file.similarity is not None:
            rows.append(b"similarity index %d%%" % file.similarity)
        rows += [verb + b" from " + quote(file.old_path), verb + b" to " + quote(file.new_path)]
    if file.old_blob and file.new_blob and file.old_blob != file.new_blob:
        row = f"index {file.old_blob[:abbrev]}..{file.new_blob[:abbrev]}".encode()
        is_unchanged = file.old_mode == file.new_mode and file.old_mode is not None
        rows.append(row + (b" %06o" % file.old_mode if is_unchanged and file.old_mode else b""))
    return rows


def format_hunk(hunk: Hunk) -> bytes:
    """One hunk, from its `@@` line on."""
    header = f"@@ -{_range(hunk.old_start, hunk.old_count)} +{_range(hunk.new_start, hunk.new_count)} @@".encode()
    rows = [header + (b" " + hunk.section if hunk.section else b"")]
    for line in hunk.lines:
        rows.append(line.kind.encode() + line.text)
        if not line.newline:
            rows.append(b"\\ No newline at end of file")
    return b"\n".join(rows) + b"\n"


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"
