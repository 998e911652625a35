"""Where the bot's answers go: what each output is to be told of a review, and how it is delivered."""

import hashlib
import json
import smtplib
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import assert_never

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.files import replace_file
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.reports.patchwork import check_fields
from kpatch_tools.review.reports.reply import format_replies
from kpatch_tools.review.statements import statements
from kpatch_tools.review.values import Review

from .config import Output
from .patchwork import Patchwork
from .server import AwayError
from .state import Post

_SECONDS = 60


def plan_posts(review: Review, series: str, output: Output, *, date: str) -> Iterator[Post]:
    """What is to be posted of a review: nothing to people where nothing was found, to Patchwork always.

    KpatchError as reports.reply raises it.
    """
    match output.kind:
        case "folder":
            if any(statements(review)):
                yield Post(series, output.name, 0, FORMATS["markdown"]([review], {}).encode())
        case "mail":
            domain = parseaddr(output.sender)[1].rpartition("@")[2]
            for patch, letter in format_replies(
                review, sender=output.sender, recipients=output.recipients, domain=domain, date=date
            ):
                yield Post(series, output.name, patch.sent.number, letter)
        case "patchwork":
            for patch in review.patches:
                fields = {"msgid": patch.sent.envelope.message_id, "check": check_fields(review, patch)}
                yield Post(series, output.name, patch.sent.number, json.dumps(fields).encode())
        case _ as never:
            assert_never(never)


def deliver(output: Output, post: Post) -> None:
    """Post it. Doing so twice is as doing it once: a file has the same name, a letter the same id, a check is compared.

    AwayError where nothing can be delivered now; KpatchError not-delivered for what may go well another time,
    undeliverable for what never will.
    """
    match output.kind:
        case "folder":
            assert output.path is not None, "the configuration was checked"
            _write(output.path, post)
        case "mail":
            _send(output, post)
        case "patchwork":
            _set_check(output, post)
        case _ as never:
            assert_never(never)


def _write(folder: Path, post: Post) -> None:
    name = f"{hashlib.sha256(post.series.encode()).hexdigest()[:16]}.md"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / name, post.body)
    except OSError as error:
        raise AwayError("server-away", f"cannot write into {folder}: {error.strerror}") from error


def _send(output: Output, post: Post) -> None:
    host, _, port = output.smtp.partition(":")
    sender = parseaddr(output.sender)[1]
    try:
        with smtplib.SMTP(host, int(port or 25), timeout=_SECONDS) as server:
            eight_bit = ["BODY=8BITMIME"] if server.ehlo()[0] == 250 and server.has_extn("8bitmime") else []
            server.sendmail(sender, list(output.recipients), post.body, mail_options=eight_bit)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        code = "undeliverable" if _is_final(error) else "not-delivered"
        raise KpatchError(code, f"{output.smtp} refuses the letter: {error}") from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise AwayError("server-away", f"{output.smtp}: {error}") from error


def _is_final(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> bool:
    """Codes below 500 mean "not now", as those of greylisting."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return error.smtp_code >= 500


def _set_check(output: Output, post: Post) -> None:
    assert output.token is not None, "the configuration was checked"
    fields = json.loads(post.body)
    try:
        token = output.token.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AwayError("server-away", f"cannot read {output.token}: {error.strerror}") from error
    try:
        Patchwork(output.url, token).post_check(fields["msgid"], fields["check"], project=output.project)
    except AwayError:
        raise
    except KpatchError as error:
        final = error.code in ("patchwork-unknown-patch", "server-refuses")
        raise KpatchError("undeliverable" if final else "not-delivered", error.message) from error
