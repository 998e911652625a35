"""A letter's headers: which rows they are, and what their encoded words say."""

import binascii
import re

_HEADER = re.compile(rb"([!-9;-~]+):(?:[ \t](.*)|)")
_FOLD = re.compile(r"\r?\n[ \t]+")
_STEERING = re.compile(r"[\x00-\x1f\x7f]+")
# RFC 2047, with the blanks in a word that some senders leave, and RFC 2231's language, which nobody reads.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]{0,2000})\?=")
_WORDS = re.compile(r"(?:=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,2000}\?=\s*)+(?<!\s)")
_MAIL_HEADERS = {b"from", b"subject", b"date", b"message-id", b"to", b"content-type", b"mime-version"}


def begins_with_headers(rows: list[bytes]) -> bool:
    """Whether all rows before the first empty one are headers, of which mail has at least one."""
    names: set[bytes] = set()
    for row in rows:
        if not row.strip():
            break
        if row[:1] in b" \t" and names:
            continue
        match = _HEADER.match(row)
        if match is None:
            return False
        names.add(match.group(1).lower())
    return bool(names & _MAIL_HEADERS)


def read_headers(rows: list[bytes], first: int = 0) -> tuple[dict[str, str], int]:
    """Headers by their names in small letters, as they were sent, and the index of the empty row that ends them.

    Of one that comes twice the first counts; a row that is no header is passed over. Bytes that are not UTF-8 are
    surrogates.
    """
    headers: dict[str, list[str]] = {}
    folds: list[str] = []  # where a folded row goes: the header above it, or nowhere
    end = next((index for index in range(first, len(rows)) if not rows[index].strip()), len(rows))
    for row in rows[first:end]:
        if row[:1] in b" \t":
            folds.append(_text(row))
            continue
        folds = []
        match = _HEADER.match(row)
        if match is not None:
            folds.append(_text(match.group(2) or b""))
            headers.setdefault(_text(match.group(1)).lower(), folds)
    return {name: "\n".join(lines) for name, lines in headers.items()}, end


def unfolded(value: str) -> str:
    """A header's value in one row."""
    return _FOLD.sub(" ", value).strip()


def decoded(value: str) -> str:
    """A header's value in one row with its encoded words decoded; those that cannot be stay as they are.

    An encoded line end is a blank: it would begin a header of the sender's making in what we write.

    >>> decoded("=?utf-8?q?J=C3=B6rg?= M =?utf-8?b?w7w=?= =?utf-8?q?ller?="), decoded("=?no-such?q?x?= y")
    ('J\xf6rg M \xfcller', '=?no-such?q?x?= y')
    """
    return _STEERING.sub(" ", _WORDS.sub(_said_by, unfolded(value)))


def as_text(data: bytes, charset: str) -> str | None:
    """None where the charset is not known, or says what is no text; bytes that do not fit it are surrogates."""
    try:
        text = data.decode(charset, "surrogateescape")
        # Some charsets can spell halves of characters, which nothing can write.
        text.encode("utf-8", "surrogateescape")
    except (LookupError, ValueError):
        return None
    return text


def _said_by(words: re.Match[str]) -> str:
    """Words one after the other; a character may be cut in two by the end of one."""
    parts: list[tuple[str, bytes]] = []
    for charset, encoding, spelled in _WORD.findall(words.group()):
        data = _bytes_of(encoding, spelled)
        if parts and parts[-1][0] == charset.lower():
            data = parts.pop()[1] + data
        parts.append((charset.lower(), data))
    texts = [as_text(data, charset) for charset, data in parts]
    return words.group() if None in texts else "".join(filter(None, texts))


def _bytes_of(encoding: str, spelled: str) -> bytes:
    data = spelled.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
