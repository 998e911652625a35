"""Requests to a server that nobody vouches for: bounded, never led elsewhere, its refusals told apart."""

import email.utils
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO

from kpatch_tools.core.errors import KpatchError

_SECONDS = 30
_LARGEST = 64 * 1024 * 1024
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')
_PATIENCE = 300  # seconds, where a busy server names no time
_LONGEST_PAUSE = 6 * 3600
_BUSY = (429, 503)
_FORBIDDEN = (401, 403)


class AwayError(KpatchError):
    """Nothing more can be had from the server now: server-away, server-forbids, server-busy.

    `seconds`: how long it wants to be left alone, 0 where it does not say so.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", seconds: int = 0) -> None:
        super().__init__(code, message, hint=hint)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """`next_page`: the address that a Link header gives for it, "" for none."""

    data: bytes
    next_page: str = ""


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows to the same server only, and never with what is to be written: that would be read instead."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if req.data is not None or not is_of(newurl, req.full_url):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


_OPENER = urllib.request.build_opener(_SameServer)


def is_of(address: str, server: str) -> bool:
    """Whether an http(s) address is one of the server that another belongs to."""
    theirs, ours = urllib.parse.urlsplit(address), urllib.parse.urlsplit(server)
    return theirs.netloc == ours.netloc and theirs.scheme in ("http", "https")


def ask(address: str, data: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
    """GET, or POST where there is `data`. No header is ever part of a message.

    AwayError, and KpatchError: server-refuses (asking again will not help), server-fails (it may).
    """
    request = urllib.request.Request(address, data, {"User-Agent": "kpt", **headers})
    try:
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            found = answer.read(_LARGEST + 1)
            link = ", ".join(answer.headers.get_all("Link", []))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(address, error) from error
    except (OSError, ValueError, HTTPException) as error:
        raise AwayError("server-away", f"{address}: {error}", hint="see `url`; it is tried again") from error
    if len(found) > _LARGEST:
        raise KpatchError("server-fails", f"{address}: more than {_LARGEST >> 20} MiB")
    page = _NEXT.search(link)
    return Answer(found, page.group(1) if page is not None else "")


def _refusal(address: str, error: urllib.error.HTTPError) -> KpatchError:
    message = f"{address}: {error.code} {error.reason}"
    if error.code in _BUSY:
        return AwayError("server-busy", message, hint="it is tried again later", seconds=_pause(error.headers))
    if error.code in _FORBIDDEN:
        return AwayError("server-forbids", message, hint="see `token`, and what its owner may do")
    if 300 <= error.code < 400:
        where = error.headers.get("Location", "")
        return AwayError("server-away", f"{message}, to {where}", hint="name that server as `url`")
    return KpatchError("server-refuses" if error.code < 500 else "server-fails", message)


def _pause(headers: Message) -> int:
    """Seconds of a Retry-After header, which may give a date: then by the server's own clock."""
    spelled = headers.get("Retry-After", "").strip()
    if spelled.isdecimal():
        seconds = int(spelled[:9])
    else:
        try:
            moments = [email.utils.parsedate_to_datetime(text) for text in (spelled, headers.get("Date", ""))]
            seconds = int((moments[0] - moments[1]).total_seconds())
        except (TypeError, ValueError):
            seconds = _PATIENCE
    return max(1, min(seconds, _LONGEST_PAUSE))
