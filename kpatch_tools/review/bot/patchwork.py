"""A small client of Patchwork's REST API: new series of a project, and a check for each patch.

Source: getpatchwork/patchwork docs/api/schemas/v1.2/patchwork.yaml: GET /events?category=series-completed, GET
/series/{id} with `mbox`, GET /patches?msgid=, GET and POST /patches/{id}/checks.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kpatch_tools.core.errors import KpatchError

_SECONDS = 30
_LARGEST = 64 * 1024 * 1024
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Patchwork:
    """`url` is the server's, without /api. `token` is sent with what writes; it is never part of a message."""

    url: str
    token: str = ""

    def completed_series(self, project: str, since: str) -> Iterator[tuple[str, str]]:
        """(date, address of the mbox) of the series that became complete at or after `since`, oldest first.

        `since` is an ISO date of the server's, "" for the server's oldest event.
        """
        for page in range(1, _MOST_PAGES + 1):
            query = {"project": project, "category": "series-completed", "order": "date", "page": str(page)}
            events = self._get("events", {**query, **({"since": since} if since else {})}, ended_by=404)
            if not events:
                return
            for event in events:
                yield str(event["date"]), self._own(str(event["payload"]["series"]["mbox"]))

    def fetch(self, address: str) -> bytes:
        """The mbox at an address that this server gave."""
        return self._open(urllib.request.Request(self._own(address)))

    def post_check(self, msgid: str, check: Mapping[str, str]) -> bool:
        """Set a check on the patch of that Message-ID; False where the same stands there already.

        KpatchError: patchwork-unknown-patch, patchwork-failed.
        """
        patches = self._get("patches", {"msgid": msgid})
        if not patches:
            raise KpatchError("patchwork-unknown-patch", f"{self.url} has no patch with the id {msgid}")
        checks = f"patches/{int(patches[0]['id'])}/checks"
        last = [one for one in self._get(checks, {}) if one["context"] == check["context"]]
        if last and all(last[-1].get(key) == check.get(key) for key in ("state", "description")):
            return False
        self._open(self._request(checks, {}, json.dumps(dict(check)).encode()))
        return True

    def _own(self, address: str) -> str:
        """An address that the server gave must be the server's: it is not to send us elsewhere."""
        ours, theirs = urllib.parse.urlsplit(self.url), urllib.parse.urlsplit(address)
        if ours.netloc != theirs.netloc or theirs.scheme not in ("http", "https"):
            raise KpatchError("patchwork-failed", f"{self.url} names an address of another server: {address}")
        return address

    def _get(self, path: str, query: Mapping[str, str], *, ended_by: int = 0) -> list[dict[str, Any]]:
        try:
            found = json.loads(self._open(self._request(path, query)))
        except ValueError as error:
            raise KpatchError("patchwork-failed", f"{self.url}/api/{path}: no JSON: {error}") from error
        except KpatchError as error:
            if ended_by and isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == ended_by:
                return []
            raise
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise KpatchError("patchwork-failed", f"{self.url}/api/{path}: not a list")
        return found

    def _request(self, path: str, query: Mapping[str, str], data: bytes | None = None) -> urllib.request.Request:
        address = f"{self.url}/api/1.2/{path}/"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        headers = {"Accept": "application/json"}
        if data is not None:
            headers |= {"Content-Type": "application/json", "Authorization": f"Token {self.token}"}
        return urllib.request.Request(address, data, headers)

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                data: bytes = answer.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            raise KpatchError(
                "patchwork-failed", f"{request.full_url}: {error}", hint="see `url` and `token`; it is tried again"
            ) from error
        if len(data) > _LARGEST:
            raise KpatchError("patchwork-failed", f"{request.full_url}: more than {_LARGEST >> 20} MiB")
        return data
