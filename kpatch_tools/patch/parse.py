"""Text to Patch: a bare diff, format-patch mail, git show's output, or a mailbox of several."""

import io
import re
from typing import cast

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath

from .mail import Letter, read_letter, split_mbox
from .paths import header_paths, safe_path, strip_prefix, unquote
from .sections import Section, diff_start, find_sections, malformed
from .values import FileDiff, Hunk, Line, LineKind, Patch

_SYMLINK, _SUBMODULE = 0o120000, 0o160000
_NULL = "/dev/null"
_INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)(?: (\d+))?")


def parse_patch(data: bytes, *, repair_crlf: bool = False) -> Patch:
    """The one patch in `data`: a bare diff, a mail, or what git show prints.

    A missing newline at the very end is added, and mail's encodings are undone; `notes` says so. `repair_crlf` also
    turns CRLF line ends of the text as a whole into LF; without it they are an error.

    KpatchError: empty-patch, malformed-patch, binary-patch, crlf-patch, encoded-patch (UTF-16), several-patches,
    unsafe-path, symlink-patch, submodule-patch.
    """
    patches = parse_mbox(data, repair_crlf=repair_crlf)
    if len(patches) > 1:
        raise KpatchError(
            "several-patches",
            f"the input holds {len(patches)} patches where one is expected",
            hint="split it (git mailsplit), or give them one at a time",
        )
    return patches[0]


def parse_mbox(data: bytes, *, repair_crlf: bool = False) -> tuple[Patch, ...]:
    """Every patch in `data`, in order; letters without a diff (a cover letter) are left out if another has one.

    KpatchError: as parse_patch.
    """
    text, notes = _repaired(data, repair_crlf=repair_crlf)
    patches = [_parse_letter(read_letter(letter), notes) for letter in split_mbox(text)]
    found = tuple(patch for patch in patches if patch is not None)
    if not found:
        raise KpatchError(
            "empty-patch",
            "there is no diff in this input",
            hint="make one with git format-patch -1 COMMIT, or git diff",
        )
    return found


def _repaired(data: bytes, *, repair_crlf: bool) -> tuple[bytes, tuple[str, ...]]:
    if not data.strip():
        raise KpatchError("empty-patch", "the patch is empty", hint="make one with git format-patch -1 COMMIT")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:8000]:
        raise KpatchError(
            "encoded-patch",
            "the patch is not plain text (UTF-16, or binary data)",
            hint="write it with git format-patch -o DIR rather than through a shell that recodes text",
        )
    notes: list[str] = []
    text = data.removeprefix(b"\xef\xbb\xbf")
    if text is not data and len(text) != len(data):
        notes.append("byte order mark: removed")
    if _has_crlf_headers(text):
        if not repair_crlf:
            raise KpatchError(
                "crlf-patch",
                "the patch has CRLF line ends, kernel files have LF",
                hint="convert it (dos2unix FILE), or ask the sender for an attachment",
            )
        text = text.replace(b"\r\n", b"\n")
        notes.append("CRLF line ends: converted to LF")
    if not text.endswith(b"\n"):
        text += b"\n"
        notes.append("no newline at the end of the patch: added")
    return text, tuple(notes)


def _has_crlf_headers(text: bytes) -> bool:
    """Whether the diff's own header lines end in CRLF: then the text was converted, and not just a file's content."""
    return re.search(rb"^(?:diff --git |--- |\+\+\+ |@@ -)[^\n]*\r$", text, re.MULTILINE) is not None


def _parse_letter(letter: Letter, notes: tuple[str, ...]) -> Patch | None:
    rows = letter.rows
    start = diff_start(rows)
    sections = find_sections(rows[start:], first_line=letter.first_line + start)
    files = tuple(_file_diff(section) for section in sections)
    if not files:
        return None
    _require_distinct(files)
    return Patch(
        files,
        letter.message,
        letter.subject,
        letter.author,
        letter.date,
        letter.commit,
        _base_commit(rows),
        notes + letter.notes,
    )


def _base_commit(rows: list[bytes]) -> str | None:
    for row in reversed(rows):
        if row.startswith(b"base-commit: "):
            return row.removeprefix(b"base-commit: ").strip().decode("ascii", "replace")
    return None


def _require_distinct(files: tuple[FileDiff, ...]) -> None:
    seen: set[RepoPath] = set()
    for file in files:
        if file.path in seen:
            raise KpatchError(
                "malformed-patch",
                f"the patch changes {file.path} twice",
                hint="it holds more than one change: make one diff of them (git diff), or split it",
            )
        seen.add(file.path)
    moved = [file.old_path for file in files if file.old_path != file.new_path and not file.copied and file.old_path]
    for path in moved:
        if moved.count(path) > 1:
            raise KpatchError(
                "malformed-patch", f"the patch renames {path} twice", hint="make the patch again with git format-patch"
            )


def _file_diff(section: Section) -> FileDiff:
    modes, blobs, similarity, renamed = _extended(section)
    old_path, new_path = _paths(section, renamed)
    _refuse_kinds(section, modes, new_path or old_path)
    old_mode, new_mode = modes
    return FileDiff(
        old_path,
        new_path,
        old_mode if old_path else None,
        new_mode if new_path else None,
        blobs[0],
        blobs[1],
        _hunks(section),
        copied=any(row.startswith(b"copy from ") for row in section.extended),
        similarity=similarity,
    )


def _refuse_kinds(section: Section, modes: tuple[int | None, int | None], path: RepoPath | None) -> None:
    if section.binary:
        raise KpatchError(
            "binary-patch",
            f"the patch changes the binary file {path}",
            hint="leave that file out: git diff -- '*.[chS]'",
        )
    if _SYMLINK in modes:
        raise KpatchError(
            "symlink-patch", f"the patch changes the symbolic link {path}", hint="make that change by hand, with git"
        )
    if _SUBMODULE in modes:
        raise KpatchError("submodule-patch", f"the patch changes the submodule {path}", hint="leave that change out")
    only_names = any(
        row.startswith((b"rename ", b"copy ", b"new mode", b"new file", b"deleted")) for row in section.extended
    )
    if not section.hunks and not only_names:
        raise malformed(section.line, f"{path} is named without any change to it")


def _extended(
    section: Section,
) -> tuple[tuple[int | None, int | None], tuple[str | None, str | None], int | None, tuple[str | None, str | None]]:
    old_mode: int | None = None
    new_mode: int | None = None
    blobs: tuple[str | None, str | None] = (None, None)
    similarity: int | None = None
    names: dict[str, str] = {}
    for row in section.extended:
        key, _, value = row.rpartition(b" ")
        if key in (b"old mode", b"deleted file mode"):
            old_mode = _mode(section, value)
        elif key in (b"new mode", b"new file mode"):
            new_mode = _mode(section, value)
        elif key == b"similarity index":
            digits = value.rstrip(b"%")
            if not digits.isdigit():
                raise malformed(section.line, f"{value!r} is no percentage")
            similarity = int(digits)
        elif row.startswith((b"rename from ", b"copy from ")):
            names["old"] = unquote(row.partition(b" from ")[2])
        elif row.startswith((b"rename to ", b"copy to ")):
            names["new"] = unquote(row.partition(b" to ")[2])
        elif match := _INDEX.fullmatch(row):
            blobs = (match.group(1).decode(), match.group(2).decode())
            if match.group(3):
                old_mode = new_mode = _mode(section, match.group(3))
    return (old_mode, new_mode), blobs, similarity, (names.get("old"), names.get("new"))


def _mode(section: Section, spelled: bytes) -> int:
    mode = int(spelled, 8) if re.fullmatch(rb"[0-7]{1,7}", spelled) else 0
    if mode & 0o170000 == 0o100000:
        # What git stores: of the permissions only whether the owner may execute it.
        return 0o100755 if mode & 0o100 else 0o100644
    if mode not in (_SYMLINK, _SUBMODULE):
        raise malformed(section.line, f"{spelled!r} is not the mode of a file")
    return mode


def _paths(section: Section, renamed: tuple[str | None, str | None]) -> tuple[RepoPath | None, RepoPath | None]:
    if renamed[0] is not None and renamed[1] is not None:
        return safe_path(renamed[0]), safe_path(renamed[1])
    names = header_paths(section.git) if section.git is not None else None
    if section.old is not None and section.new is not None:
        old, new = _file_name(section.old), _file_name(section.new)
    elif names is not None:
        old, new = names
        old = _NULL if any(row.startswith(b"new file mode") for row in section.extended) else old
        new = _NULL if any(row.startswith(b"deleted file mode") for row in section.extended) else new
    else:
        raise malformed(section.line, "the names on this line cannot be told apart")
    if old == new == _NULL:
        raise malformed(section.line, "neither side of this diff is a file")
    # Without both sides' names, the prefix is known from the diff --git line.
    sides = names or (old, new)
    return _stripped(old, sides), _stripped(new, sides)


def _file_name(spelled: bytes) -> str:
    return unquote(spelled.partition(b"\t")[0].rstrip(b"\r"))


def _stripped(path: str, sides: tuple[str, str]) -> RepoPath | None:
    if path == _NULL:
        return None
    other = sides[1] if path == sides[0] else sides[0]
    # An absolute or climbing path is judged as it is written, before a component is taken off it.
    return safe_path(path if path.startswith(("/", "../")) else strip_prefix(path, other=other))


def _hunks(section: Section) -> tuple[Hunk, ...]:
    if not section.hunks:
        return ()
    text = b"\n".join([b"--- a/f", b"+++ b/f", *section.hunks, b""]).decode("utf-8", "surrogateescape")
    try:
        parsed = PatchSet(io.StringIO(text, newline="\n"))
    except UnidiffParseError as error:
        raise malformed(section.line, str(error)) from error
    return tuple(
        Hunk(
            hunk.source_start,
            hunk.source_length,
            hunk.target_start,
            hunk.target_length,
            _bytes(hunk.section_header),
            _lines([(line.line_type, line.value) for line in hunk], section.line),
        )
        for hunk in parsed[0]
    )


def _lines(rows: list[tuple[str, str]], section_line: int) -> tuple[Line, ...]:
    lines: list[Line] = []
    for kind, value in rows:
        if kind == "\\":
            if not lines:
                raise malformed(section_line, "a hunk begins with the mark of a missing newline")
            lines[-1] = Line(lines[-1].kind, lines[-1].text, newline=False)
        else:
            lines.append(Line(cast("LineKind", kind), _bytes(value.removesuffix("\n"))))
    return tuple(lines)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
