"""What stands on a letter: who sent it, what it answers, and what its subject's brackets say of a series.

Everything is untrusted. Values come out in one line, without control characters, and of bounded length, so that they
can be printed and put into the headers of another mail.
"""

import email.errors
import email.header
import email.parser
import email.policy
import email.utils
import re
from dataclasses import dataclass

_HEAD_BYTES = 256 * 1024
_VALUE_CHARS = 2_000
_MOST_REFERENCES = 200
_MOST_COMMENTS = 40
_ID = re.compile(r"<([^<>\s]{1,300})>")
_BRACKETS = re.compile(r"\s*\[([^\[\]]{0,200})\]")
_REPLY = re.compile(r"\s*(?:re|aw|sv|antw)\s*(?:\[\d+\])?:", re.IGNORECASE)
_VERSION = re.compile(r"v(?:er(?:sion)?)?\.?(\d{1,3})", re.IGNORECASE)
_PATCH_VERSION = re.compile(r"patch[-_]?v(\d{1,3})", re.IGNORECASE)
_COUNTER = re.compile(r"0*(\d{1,4})/0*(\d{1,4})")
_PULL = re.compile(r"\b(?:git )?pull\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tag:
    """What brackets before a subject say: "[PATCH v2 03/12]". Without a counter `number` and `total` are 1.

    `is_patch`: one of the words PATCH and RFC stands there. `is_pull`: it asks for a pull.
    """

    version: int = 1
    number: int = 1
    total: int = 1
    is_patch: bool = False
    is_reply: bool = False
    is_pull: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """A letter's headers as text; "" and () for those that it does not have.

    `message_id`, `parent` (what it replies to) and `references` (oldest first) are without angle brackets. `sender` and
    `recipients` are addresses alone.
    """

    message_id: str = ""
    parent: str = ""
    references: tuple[str, ...] = ()
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    date: str = ""
    tag: Tag = Tag()


def read_envelope(data: bytes) -> Envelope:
    """Reads the headers at the head of `data`, after a mailbox's `From ` line. Never fails."""
    head = data[:_HEAD_BYTES]
    if head.startswith(b"From "):
        head = head.partition(b"\n")[2]
    head = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    headers = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head + b"\n\n")

    def value(name: str) -> str:
        return one_line(_decoded(headers.get(name)))

    references = tuple(_ID.findall(value("references")))[-_MOST_REFERENCES:]
    parents = _ID.findall(value("in-reply-to"))
    ids = _ID.findall(value("message-id"))
    name, address = _address(value("from"))
    subject = value("subject")
    return Envelope(
        ids[0] if ids else "",
        parents[-1] if parents else (references[-1] if references else ""),
        references,
        address,
        name,
        _addresses(f"{value('to')}, {value('cc')}"),
        subject,
        value("date"),
        parse_tag(subject),
    )


def parse_tag(subject: str) -> Tag:
    """What the brackets say; a plain subject is a patch's only if the letter has a diff.

    >>> parse_tag("[PATCH v2 net-next 03/12] x: y")
    Tag(version=2, number=3, total=12, is_patch=True, is_reply=False, is_pull=False)
    >>> parse_tag("Re: [RFC PATCHv3] x").is_reply, parse_tag("Re: [RFC PATCHv3] x").version
    (True, 3)
    """
    rest, replies = _REPLY.subn("", subject, count=1)
    brackets: list[str] = []
    while (match := _BRACKETS.match(rest)) is not None:
        brackets.append(match.group(1))
        rest = rest[match.end() :]
    words = re.split(r"[\s,:]+", " ".join(brackets))
    version, number, total = 1, 1, 1
    for word in words:
        if (found := _VERSION.fullmatch(word) or _PATCH_VERSION.fullmatch(word)) is not None:
            version = int(found.group(1))
        elif (found := _COUNTER.fullmatch(word)) is not None:
            number, total = int(found.group(1)), int(found.group(2))
    is_pull = any(_PULL.search(text) for text in brackets) or rest.lstrip().lower().startswith(
        ("git pull", "pull request")
    )
    is_patch = any(word.upper().startswith(("PATCH", "RFC", "RESEND")) for word in words)
    return Tag(version, number, max(total, 1), is_patch, bool(replies), is_pull)


def one_line(text: str) -> str:
    """Blanks for everything that would break a line or steer a terminal, in a bounded length."""
    text = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_VALUE_CHARS]).split())


def _decoded(value: str | email.header.Header | None) -> str:
    """A header in plain text, however it was encoded; what cannot be decoded is replaced."""
    if value is None:
        return ""
    try:
        parts = email.header.decode_header(value)
    except (email.errors.HeaderParseError, ValueError):
        return str(value)
    found = []
    for part, charset in parts:
        if isinstance(part, str):
            found.append(part)
            continue
        try:
            found.append(part.decode(charset if charset and charset != "unknown-8bit" else "utf-8", "replace"))
        except (LookupError, ValueError):
            found.append(part.decode("latin-1"))
    return "".join(found)


def _address(value: str) -> tuple[str, str]:
    found = _pairs(value)
    return found[0] if found else ("", "")


def _addresses(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for _, address in _pairs(value)))


def _pairs(value: str) -> list[tuple[str, str]]:
    """(name, address); none of a value with more comments than people write, which the parser reads by recursion."""
    if value.count("(") > _MOST_COMMENTS:
        return []
    pairs = email.utils.getaddresses([value])
    return [(name, address) for name, address in pairs if re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", address)]
