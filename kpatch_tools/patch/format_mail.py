"""A Patch as mail that git am takes: what git format-patch writes, byte for byte where it can be."""

from collections.abc import Mapping

from .diffstat import format_diffstat
from .format import ABBREVIATION, format_diff
from .values import Patch, Person

_MAGIC_DATE = "Mon Sep 17 00:00:00 2001"  # how file(1) tells format-patch's output from a mailbox
_NO_COMMIT = "0" * 40
_PLAIN_WIDTH = 78
_ENCODED_WIDTH = 76  # RFC 2047, section 2
_ADDRESS_SPECIALS = '()<>[]:;@\\,."'


def format_patch(
    patch: Patch,
    *,
    prefix: str = "PATCH",
    number: tuple[int, int] | None = None,
    headers: Mapping[str, str] | None = None,
    signature: str = "kpatch-tools",
    abbrev: int = ABBREVIATION,
) -> bytes:
    """One mail. `prefix` goes in brackets before the subject ("" for none), `number` is (k, of n).

    `headers` are added as they are (Cc, In-Reply-To). A patch without author or date gets no such line.
    """
    subject, body = _split(patch.message, patch.subject)
    marks = " ".join(part for part in (prefix, f"{number[0]}/{number[1]}" if number else "") if part)
    head = f"From {patch.commit or _NO_COMMIT} {_MAGIC_DATE}\n"
    if patch.author is not None:
        head += format_person_header(patch.author)
    if patch.date is not None:
        head += f"Date: {patch.date}\n"
    head += format_subject_header(f"[{marks}] " if marks else "", subject)
    if any(byte > 127 for byte in patch.message):
        head += "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
    for name, value in (headers or {}).items():
        head += f"{name}: {value}\n"
    parts = [head.encode("utf-8", "surrogateescape"), b"\n"]
    if body:
        parts.append(body + b"\n")
    parts += [b"---\n", format_diffstat(patch.files), b"\n", format_diff(patch.files, abbrev=abbrev)]
    if patch.base_commit is not None:
        parts.append(f"\nbase-commit: {patch.base_commit}\n".encode())
    parts.append(f"-- \n{signature}\n\n".encode())
    return b"".join(parts)


def _split(message: bytes, subject: str) -> tuple[str, bytes]:
    """Subject in one line, and the body; blanks at line ends and empty lines around both are left out, as git does."""
    rows = [row.rstrip() for row in message.split(b"\n")]
    while rows and not rows[0]:
        rows.pop(0)
    end = rows.index(b"") if b"" in rows else len(rows)
    joined = b" ".join(rows[:end]).decode("utf-8", "surrogateescape")
    return joined or subject, b"\n".join(rows[end:]).strip(b"\n")


def format_person_header(person: Person) -> str:
    """The From: line, folded as git folds it."""
    line, width = "From: ", _PLAIN_WIDTH
    if _needs_encoding(person.name):
        line, width = line + _encoded(person.name, used=len(line), address=True), _ENCODED_WIDTH
    elif any(character in _ADDRESS_SPECIALS for character in person.name):
        escaped = person.name.replace("\\", "\\\\").replace('"', '\\"')
        line += _wrapped(f'"{escaped}"', used=len(line))
    else:
        line += _wrapped(person.name, used=len(line))
    last = line.rpartition("\n")[2]
    if width < len(last) + len(f" <{person.email}>"):
        line += "\n"
    return f"{line} <{person.email}>\n"


def format_subject_header(marks: str, subject: str) -> str:
    """The Subject: line, folded as git folds it."""
    line = f"Subject: {marks}"
    if _needs_encoding(subject):
        return line + _encoded(subject, used=len(line), address=False) + "\n"
    return line + _wrapped(subject, used=len(line)) + "\n"


def _needs_encoding(text: str) -> bool:
    return not text.isascii() or "\n" in text or "=?" in text


def _wrapped(text: str, *, used: int) -> str:
    """`text` folded at blanks so that no line exceeds 78 columns, of which `used` are taken."""
    line, column, is_first = "", used, True
    for word in text.split(" "):
        gap = 0 if is_first else 1
        if column + gap + len(word) > _PLAIN_WIDTH and not is_first:
            line, column, gap = line + "\n", 0, 1
        line += " " * gap + word
        column += gap + len(word)
        is_first = False
    return line


def _encoded(text: str, *, used: int, address: bool) -> str:
    """RFC 2047's Q encoding, a new encoded word where the line would exceed 76 columns."""
    start = "=?UTF-8?q?"
    line, column = start, used + len(start)
    for character in text:
        raw = character.encode("utf-8", "surrogateescape")
        special = len(raw) > 1 or _is_special(raw[0], address=address)
        piece = "".join(f"={byte:02X}" for byte in raw) if special else character
        if column + len(piece) + 2 > _ENCODED_WIDTH:
            line, column = f"{line}?=\n {start}", len(start) + 1
        line += piece
        column += len(piece)
    return line + "?="


def _is_special(byte: int, *, address: bool) -> bool:
    character = chr(byte)
    if byte > 126 or byte <= 32 or character in "=?_":
        return True
    return address and not (character.isalnum() or character in "!*+-/")
