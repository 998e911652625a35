"""Letters: what stands around a diff in mail, in a mailbox, and in git show's output.

The reading of headers and bodies is git mailinfo's: bracketed prefixes are taken off the subject, a `From:` at the
head of the body names the author, and the message ends at `---`.
"""

import email
import email.message
import email.utils
import re
import time
from dataclasses import dataclass, replace

from kpatch_tools.core.ids import ObjectId

from .headers import as_text, begins_with_headers, decoded, read_headers, unfolded
from .sections import diff_start
from .values import Person

_FROM_LINE = re.compile(rb"From \S+.* \d\d?:\d\d(:\d\d)? .*\d{4}")
_BRACKET = re.compile(r"\[[^\]]*\]\s*")
_MAIL_MARK = re.compile(r"\bPATCH|\bRFC\b|\bRESEND\b|\[v?\d+(?:/\d+)?\]", re.IGNORECASE)
_WIDEST_ZONE = 24 * 3600
_LATEST = 253402300799  # the end of year 9999
_SHOWN_COMMIT = re.compile(rb"commit ([0-9a-f]{40})(?: \(.*\))?")


@dataclass(frozen=True, slots=True)
class Letter:
    """`rows` is the body, without newlines; `first_line` its first line's number in the input, 1-based."""

    rows: list[bytes]
    first_line: int
    message: bytes = b""
    subject: str = ""
    author: Person | None = None
    date: str | None = None
    commit: ObjectId | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawLetter:
    """One letter of a mailbox as it stands there."""

    data: bytes
    first_line: int


def split_mbox(data: bytes) -> list[RawLetter]:
    """At mailbox `From ` lines, or at git log's `commit` lines; the whole of `data` where there are none."""
    rows = data.split(b"\n")
    if _FROM_LINE.match(rows[0]):
        starts = [
            index
            for index, row in enumerate(rows)
            if _FROM_LINE.match(row) and (index == 0 or not rows[index - 1].strip())
        ]
    elif _SHOWN_COMMIT.fullmatch(rows[0]):
        starts = [index for index, row in enumerate(rows) if _SHOWN_COMMIT.fullmatch(row)]
    else:
        starts = [0]
    ends = [*starts[1:], len(rows)]
    return [RawLetter(b"\n".join(rows[a:b]), a + 1) for a, b in zip(starts, ends, strict=True)]


def read_letter(raw: RawLetter) -> Letter:
    """Message, author and date apart from the body that holds the diff. Never fails: what is absent is None."""
    rows = raw.data.split(b"\n")
    if rows and rows[-1] == b"":
        rows.pop()
    if _SHOWN_COMMIT.fullmatch(rows[0]):
        return _read_shown(rows, raw.first_line)
    if _FROM_LINE.match(rows[0]) or begins_with_headers(rows):
        return _read_mail(rows, raw.first_line)
    end = diff_start(rows)
    cut = _separator(rows[:end])
    message = _stripspace(rows[:cut])
    return Letter(rows, raw.first_line, message, _first_paragraph(message))


def _read_shown(rows: list[bytes], first_line: int) -> Letter:
    match = _SHOWN_COMMIT.fullmatch(rows[0])
    assert match is not None, "the caller has looked"
    author: Person | None = None
    date: str | None = None
    index = 1
    while index < len(rows) and rows[index].strip():
        key, _, value = rows[index].partition(b":")
        if key == b"Author":
            author = _person(_text(value))
        elif key in (b"Date", b"AuthorDate"):
            date = _mail_date(_text(value).strip())
        index += 1
    message: list[bytes] = []
    while index < len(rows) and (not rows[index].strip() or rows[index].startswith(b"    ")):
        message.append(rows[index][4:])
        index += 1
    text = _stripspace(message)
    commit = ObjectId(match.group(1).decode())
    return Letter(rows[index:], first_line + index, text, _first_paragraph(text), author, date, commit)


def _read_mail(rows: list[bytes], first_line: int) -> Letter:
    index = 0
    commit: ObjectId | None = None
    if _FROM_LINE.match(rows[0]):
        spelled = rows[0].split()[1]
        # format-patch's own first line; a mailbox has an address there, and a patch of no commit zeros.
        if re.fullmatch(rb"[0-9a-f]{40}", spelled) and spelled.strip(b"0"):
            commit = ObjectId(spelled.decode())
        index = 1
    headers, index = read_headers(rows, index)
    body, notes = _body(rows[index + 1 :], headers)
    letter = _with_body(body, headers)
    return replace(letter, first_line=first_line + index + 1, commit=commit, notes=notes)


def _body(rows: list[bytes], headers: dict[str, str]) -> tuple[list[bytes], tuple[str, ...]]:
    """The body's rows with mail's encodings undone; of several parts, the texts."""
    encoding = headers.get("content-transfer-encoding", "7bit").strip().lower()
    kind = headers.get("content-type", "text/plain")
    is_multipart = kind.strip().lower().startswith("multipart/")
    if encoding not in ("quoted-printable", "base64") and not is_multipart:
        return rows, ()
    head = f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n"
    parsed = email.message_from_bytes(head.encode("utf-8", "surrogateescape") + b"\n".join(rows) + b"\n")
    texts = [_part_text(part) for part in parsed.walk() if part.get_content_maintype() == "text"]
    # Text sent encoded has mail's canonical line ends; they are not the file's.
    data = b"\n".join(text.replace(b"\r\n", b"\n").removesuffix(b"\n") for text in texts)
    note = f"mail encoding undone: {'multipart' if is_multipart else encoding}"
    return data.split(b"\n"), (note,)


def _part_text(part: email.message.Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _with_body(rows: list[bytes], headers: dict[str, str]) -> Letter:
    charset = _charset(headers.get("content-type", ""))
    start = diff_start(rows)
    end = _separator(rows[:start])
    fields = {key: value for key, value in headers.items() if key in ("from", "subject", "date")}
    first = _in_body_headers(rows[:end], fields)
    body = [_as_utf8(row, charset) for row in rows[first:end]]
    subject = clean_subject(decoded(fields.get("subject", "")))
    message = _stripspace([subject.encode("utf-8", "surrogateescape"), b"", *body])
    author = _person(fields["from"]) if "from" in fields else None
    date = _mail_date(unfolded(fields["date"])) if "date" in fields else None
    return Letter(rows, 0, message, _first_paragraph(message), author, date)


def _charset(kind: str) -> str | None:
    """That of a Content-Type; None for one that names none, or cannot be read."""
    try:
        return email.message_from_string(f"Content-Type: {kind}\n\n").get_content_charset()
    except (UnicodeError, LookupError, ValueError):  # a header that is not ASCII
        return None


def _in_body_headers(rows: list[bytes], fields: dict[str, str]) -> int:
    """Takes `From:`, `Date:` and `Subject:` at the head of the body into `fields`; the index of the row after them."""
    index = 0
    while index < len(rows) and not rows[index].strip():
        index += 1
    found = index
    while found < len(rows):
        match = re.match(rb">?(From|Date|Subject): (.*)", rows[found])
        if match is None:
            break
        fields[_text(match.group(1)).lower()] = _text(match.group(2))
        found += 1
    return found


def _separator(rows: list[bytes]) -> int:
    """Index of the `---` line that ends the message; `len(rows)` if there is none."""
    for index, row in enumerate(rows):
        if row.startswith(b"---") and not row.strip(b"-").strip() and row.rstrip() == b"---":
            return index
    return len(rows)


def clean_subject(subject: str) -> str:
    """The subject without reply marks and what mail puts in brackets before it.

    As git am -b, which keeps a subsystem in brackets; whatever stands before the bracket that says PATCH goes too.

    >>> clean_subject("Re: [Xen-devel] [PATCH v2 1/3] [x86]  mm: put tables high")
    '[x86] mm: put tables high'
    """
    text = " ".join(subject.split())
    while (match := re.match(r"(?:re:|:)\s*", text, re.IGNORECASE)) is not None:
        text = text[match.end() :]
    position = end = 0
    while (match := _BRACKET.match(text, position)) is not None:
        position = match.end()
        if _MAIL_MARK.search(match.group()):
            end = position
    return text[end:]


def _person(value: str) -> Person | None:
    """`Name <email>`, `email (Name)` or a bare address, not yet decoded; None where there is no address."""
    name, bracket, rest = unfolded(value).rpartition("<")
    if bracket:
        address = rest.partition(">")[0].strip()
        return Person(decoded(_unquoted(name.strip())) or address, address)
    address, _, comment = unfolded(value).partition("(")
    if "@" not in address:
        return None
    return Person(decoded(comment.rpartition(")")[0]) or address.strip(), address.strip())


def _unquoted(name: str) -> str:
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    return name


def _mail_date(spelled: str) -> str:
    """A date in the form of a Date: header; what is not understood stays as it is."""
    moment = parse_date(spelled)
    return spelled if moment is None else format_date(*moment)


def parse_date(spelled: str) -> tuple[int, int] | None:
    """Seconds since the epoch and minutes east of UTC of a mail's date; None for what is none, or is beyond the zones
    and years that git can store.

    >>> parse_date("Thu, 12 May 2011 10:02:03 +0100"), parse_date("soon")
    ((1305190923, 60), None)
    """
    parsed = email.utils.parsedate_tz(spelled)
    if parsed is None or abs(parsed[9] or 0) > _WIDEST_ZONE:
        return None
    try:
        when = email.utils.mktime_tz((*parsed[:9], parsed[9] or 0))
    except (ValueError, OverflowError):
        return None
    # Without a zone, and in -0000 (somewhere unknown), the time is taken for UTC, as git does.
    return (when, (parsed[9] or 0) // 60) if 0 <= when <= _LATEST else None


def format_date(when: int, offset: int) -> str:
    """As git writes it in mail; `when` in seconds since the epoch, `offset` in minutes east of UTC.

    >>> format_date(1305190923, 60)
    'Thu, 12 May 2011 10:02:03 +0100'
    """
    year, month, day, hour, minute, second, weekday = _calendar(when + offset * 60)
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days[weekday]}, {day} {months[month - 1]} {year} {clock} {sign}{hours:02}{minutes:02}"


def _calendar(seconds: int) -> tuple[int, int, int, int, int, int, int]:

    return time.gmtime(seconds)[:7]


def _as_utf8(row: bytes, charset: str | None) -> bytes:
    if charset in (None, "utf-8", "us-ascii", "ascii"):
        return row
    assert charset is not None, "the guard above"
    text = as_text(row, charset)
    return row if text is None else text.encode("utf-8", "surrogateescape")


def _stripspace(rows: list[bytes]) -> bytes:
    """git stripspace: no blanks at line ends, no leading or trailing empty lines, never two in a row."""
    lines: list[bytes] = []
    for row in rows:
        line = row.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return b"\n".join(lines) + b"\n" if lines else b""


def _first_paragraph(message: bytes) -> str:
    return _text(b" ".join(line.strip() for line in message.partition(b"\n\n")[0].split(b"\n")).strip())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
