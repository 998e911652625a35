"""A review as mail: one reply to each patch that something is said of, inline below the lines it is about.

Nothing received reaches a header but the ids and the subject, in one line each, and nobody is written to whom the
caller did not name.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from itertools import groupby

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Status
from kpatch_tools.patch import Hunk, format_hunk
from kpatch_tools.render import render
from kpatch_tools.review.envelope import Envelope, one_line
from kpatch_tools.review.statements import Statement, statements
from kpatch_tools.review.values import PatchPlace, Review, Reviewed

WIDTH = 72
_FROM = re.compile(rb"^>*From ", re.MULTILINE)
_BEFORE = 4  # lines of a hunk that are quoted above the one that is spoken of
_MOST_REFERENCES = 40


def format_replies(
    review: Review, *, sender: str, recipients: Sequence[str], domain: str, date: str
) -> tuple[tuple[Reviewed, bytes], ...]:
    """The letters, with the patches that they answer, as bytes for SMTP; none for a patch that nothing is said of but
    what could not be established, for which nobody can do anything.

    `date` is a mail's Date; `domain` the right side of the letters' ids, which are the same for the same answer, so
    that a list drops what was sent twice. KpatchError no-message-id for a patch that did not come as mail,
    no-recipients, bad-address.
    """
    if not recipients:
        raise KpatchError(
            "no-recipients", "nobody to send the review to", hint="name the recipients in the configuration"
        )
    for address in (sender, *recipients):
        if address != one_line(address) or "@" not in address:
            raise KpatchError("bad-address", f"{address!r} is no mail address", hint="correct it in the configuration")
    letters = []
    for patch in review.patches:
        said = [one for one in statements(review) if one.patch is patch]
        if any(one.finding.status is not Status.ERROR for one in said):
            letters.append((patch, _letter(review, patch, said, sender, recipients, domain, date)))
    return tuple(letters)


def format_mailbox(letters: Iterable[bytes]) -> bytes:
    """Letters as a mailbox for `git send-email` or a mail program: they can be read before they are sent."""
    box = b""
    for letter in letters:
        text = letter.replace(b"\r\n", b"\n")
        box += b"From kpt@localhost Mon Sep 17 00:00:00 2001\n" + _FROM.sub(rb">\g<0>", text).rstrip(b"\n") + b"\n\n"
    return box


def _letter(
    review: Review,
    patch: Reviewed,
    said: list[Statement],
    sender: str,
    recipients: Sequence[str],
    domain: str,
    date: str,
) -> bytes:
    envelope = patch.sent.envelope
    if not envelope.message_id:
        raise KpatchError(
            "no-message-id",
            f"patch {patch.sent.number} did not come as mail, there is nothing to reply to",
            hint="give the letter as it was received, headers included",
        )
    letter = EmailMessage(policy=SMTP.clone(max_line_length=998))
    letter["From"] = sender
    letter["To"] = ", ".join(recipients)
    letter["Subject"] = envelope.subject if envelope.tag.is_reply else f"Re: {envelope.subject}"
    letter["Date"] = date
    letter["Message-ID"] = f"<kpt.{_local_part(envelope)}@{domain}>"
    letter["In-Reply-To"] = f"<{envelope.message_id}>"
    letter["References"] = " ".join(
        f"<{one}>" for one in (*envelope.references[-_MOST_REFERENCES:], envelope.message_id)
    )
    letter["Auto-Submitted"] = "auto-replied"
    letter.set_content(reply_text(review, patch, said), cte="8bit")
    return bytes(letter)


def _local_part(envelope: Envelope) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "-" for c in envelope.message_id)[:150]


def reply_text(review: Review, patch: Reviewed, said: Sequence[Statement]) -> str:
    """The body: each finding below the lines it is about, at 72 columns; the quoted lines keep their length."""
    placed = [one for one in said if one.placed.place is not None]
    general = [one for one in said if one.placed.place is None]
    placed.sort(key=lambda one: _order(one.placed.place))
    quotes = []
    for place, group in groupby(placed, key=lambda one: one.placed.place):
        assert place is not None, "the others were left out"
        quotes.append((_quoted(patch, place), [_paragraph(one) for one in group]))
    text = render(
        "review/reply.txt.j2",
        review=review,
        patch=patch,
        quotes=quotes,
        wrote=_wrote(patch.sent.envelope) if quotes else "",
        general=[_paragraph(one) for one in general],
        wrap=lambda text: "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)),
    )
    return text.encode("utf-8", "replace").decode()


def _wrote(envelope: Envelope) -> str:
    """Who is quoted."""
    name = envelope.sender_name or envelope.sender or "somebody"
    return f"On {envelope.date}, {name} wrote:" if envelope.date else f"{name} wrote:"


def _order(place: PatchPlace | None) -> tuple[int, int, int]:
    return (place.file, place.hunk, place.row) if place is not None else (-1, -1, -1)


def _paragraph(one: Statement) -> str:
    finding = one.finding
    text = f"{finding.status.name}: {finding.message} [{finding.id}]"
    hint = f" {finding.hint[:1].upper()}{finding.hint[1:]}." if finding.hint else ""
    return "\n".join(
        textwrap.wrap(one_line(text + hint), WIDTH, break_long_words=False, break_on_hyphens=False) or [text]
    )


def _quoted(patch: Reviewed, place: PatchPlace) -> str:
    """The file's name, the hunk's header, and the lines up to the one that is spoken of."""
    diff, hunk = place.hunk_of(patch.sent.patch)
    rows = [f"--- a/{diff.old_path}" if diff.old_path else "--- /dev/null"]
    rows += [f"+++ b/{diff.new_path}" if diff.new_path else "+++ /dev/null"]
    rows += _hunk_rows(hunk, place.row)
    return "\n".join(f"> {row}" for row in rows)


def _hunk_rows(hunk: Hunk, row: int) -> list[str]:
    header = format_hunk(hunk).partition(b"\n")[0].decode("utf-8", "replace")
    start = max(0, row - _BEFORE)
    rows = [f"{line.kind}{line.text.decode('utf-8', 'replace')}" for line in hunk.lines[start : row + 1]]
    return [_plain(header), *(["[...]"] if start else []), *map(_plain, rows)]


def _plain(line: str) -> str:
    """Without what steers a terminal; tabs are kept."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line.rstrip("\n\r"))
