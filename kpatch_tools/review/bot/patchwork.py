"""A small client of Patchwork's REST API: new series of a project, and a check for each patch.

Source: getpatchwork/patchwork docs/api/rest/index.rst and docs/api/schemas/v1.2/patchwork.yaml: GET /events with
category=series-completed, whose payload names the series' mbox, GET /patches?msgid=, GET and POST /patches/{id}/checks,
GET /projects/{linkname}. Lists come in pages, the next of which a Link header names. A filter that fits nothing, as a
project that is not there, gives an empty list and no error (patchwork/api/filters.py).
"""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kpatch_tools.core.errors import KpatchError

from .server import ask, is_of

_MOST_PAGES = 20
_MOST_ON_A_PAGE = "100"


@dataclass(frozen=True, slots=True)
class Patchwork:
    """`url` is the server's, without /api. `token` is sent with what writes; it is never part of a message.

    All raise KpatchError: AwayError, server-refuses, server-fails, and what is named below.
    """

    url: str
    token: str = ""

    def completed_series(self, project: str, since: str) -> Iterator[tuple[str, str]]:
        """(place, address of the mbox) of the series that became complete after the place `since`, oldest first.

        A place is the date of an event and its number; "" is before the server's oldest event. KpatchError
        patchwork-unknown-project, patchwork-elsewhere.
        """
        date, _, number = since.partition(" ")
        query = {"project": project, "category": "series-completed", "order": "date"}
        none = True
        for event in self._list("events", {**query, **({"since": date} if date else {})}):
            none = False
            place = f"{_text(event, 'date')} {_text(event, 'id')}"
            if number and place == since:
                continue
            yield place, self._own(_text(event, "payload", "series", "mbox"))
        if none and not since:
            self._find_project(project)

    def fetch(self, address: str) -> bytes:
        """The mbox at an address that this server gave."""
        return ask(self._own(address)).data

    def post_check(self, msgid: str, check: Mapping[str, str], *, project: str = "") -> bool:
        """Set a check on the patch of that Message-ID, in every project that has it unless one is named; False where
        the same stands there already. KpatchError patchwork-unknown-patch.
        """
        query = {"msgid": msgid, **({"project": project} if project else {})}
        patches = [_text(patch, "id") for patch in self._list("patches", query)]
        if not patches:
            raise KpatchError("patchwork-unknown-patch", f"{self.url} has no patch with the id {msgid}")
        news = [self._set_check(patch, check) for patch in patches]
        return any(news)

    def _set_check(self, patch: str, check: Mapping[str, str]) -> bool:
        checks = f"patches/{urllib.parse.quote(patch, safe='')}/checks"
        query = {"context": check["context"], "per_page": _MOST_ON_A_PAGE}
        last = [one for one in self._list(checks, query) if one.get("context") == check["context"]]
        if last and all(last[-1].get(key) == check.get(key) for key in ("state", "description")):
            return False
        headers = {"Content-Type": "application/json", "Authorization": f"Token {self.token}"}
        ask(self._address(checks), json.dumps(dict(check)).encode(), headers)
        return True

    def _find_project(self, project: str) -> None:
        """That there is nothing of a project may mean that there is no such project."""
        try:
            ask(self._address(f"projects/{urllib.parse.quote(project, safe='')}"))
        except KpatchError as error:
            if error.code != "server-refuses":
                raise
            raise KpatchError(
                "patchwork-unknown-project",
                f"{self.url} has no project {project}",
                hint="`project` is the name that stands in its address: /project/NAME/list",
            ) from error

    def _list(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The things of all pages, or of as many as are read at once."""
        address = self._address(path, query)
        for _ in range(_MOST_PAGES):
            answer = ask(address, headers={"Accept": "application/json"})
            try:
                found = json.loads(answer.data)
            except (ValueError, RecursionError) as error:
                raise KpatchError("server-fails", f"{address}: no JSON: {error}") from error
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise KpatchError("server-fails", f"{address}: not a list")
            yield from found
            if not answer.next_page:
                return
            address = self._own(answer.next_page)

    def _address(self, path: str, query: Mapping[str, str] = {}) -> str:
        return f"{self.url}/api/1.2/{path}/" + (f"?{urllib.parse.urlencode(query)}" if query else "")

    def _own(self, address: str) -> str:
        """An address that the server gave must be the server's: it is not to send us elsewhere.

        Behind a proxy it may not know that it is spoken to by https; it is, if `url` says so.
        """
        if not is_of(address, self.url):
            raise KpatchError("patchwork-elsewhere", f"{self.url} names an address of another server: {address}")
        return urllib.parse.urlsplit(address)._replace(scheme=urllib.parse.urlsplit(self.url).scheme).geturl()


def _text(value: Any, *keys: str) -> str:
    """What stands there, as text."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str | int):
        raise KpatchError("server-fails", f"the server's answer lacks {'.'.join(keys)}")
    return str(value)
