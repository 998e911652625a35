"""What stands on a letter: who sent it, what it answers, and what its subject's brackets say of a series.

Everything is untrusted. Values come out in one line, without control characters, and of bounded length, so that they
can be printed and put into the headers of another mail.
"""

import email.utils
import re
from dataclasses import dataclass

from kpatch_tools.patch.headers import decoded, read_headers, unfolded

_HEAD_BYTES = 256 * 1024
_VALUE_CHARS = 2_000
_MOST_REFERENCES = 200
_MOST_COMMENTS = 40
_ID = re.compile(r"<([^<>\s]{1,300})>")
_BRACKETS = re.compile(r"\s*\[([^\[\]]{0,200})\]")
_ADDRESS = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
# At the head, or behind what a list puts there; "pstore:" ends like it.
_REPLY = re.compile(r"((?:\s*\[[^\[\]]{0,200}\])*)\s*(?:re|aw|sv|antw)\s*(?:\[\d+\])?:", re.IGNORECASE)
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
    rows = data[:_HEAD_BYTES].split(b"\n")
    headers, _ = read_headers(rows, 1 if rows[0].startswith(b"From ") else 0)

    def value(name: str) -> str:
        return one_line(decoded(headers.get(name, "")))

    references = tuple(_ID.findall(value("references")))[-_MOST_REFERENCES:]
    parents = _ID.findall(value("in-reply-to"))
    ids = _ID.findall(value("message-id"))
    writers = _pairs(headers.get("from", ""))
    recipients = [*_pairs(headers.get("to", "")), *_pairs(headers.get("cc", ""))]
    name, address = writers[0] if writers else ("", "")
    subject = value("subject")
    return Envelope(
        ids[0] if ids else "",
        parents[-1] if parents else (references[-1] if references else ""),
        references,
        address,
        name,
        tuple(dict.fromkeys(address for _, address in recipients)),
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
    reply = _REPLY.match(subject)
    rest = subject if reply is None else reply.group(1) + subject[reply.end() :]
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
    return Tag(version, number, max(total, 1), is_patch, reply is not None, is_pull)


def one_line(text: str) -> str:
    """Blanks for everything that would break a line or steer a terminal, in a bounded length."""
    text = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_VALUE_CHARS]).split())


def _pairs(value: str) -> list[tuple[str, str]]:
    """(name, address), both in one line; none of a value with more comments than people write, which the parser reads
    by recursion. Names are decoded last, so that no address can hide in one."""
    if value.count("(") > _MOST_COMMENTS:
        return []
    pairs = email.utils.getaddresses([one_line(unfolded(value))])
    return [(one_line(decoded(name)), address) for name, address in pairs if _ADDRESS.fullmatch(address)]
