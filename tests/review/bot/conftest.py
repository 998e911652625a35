"""A bot with a maildir to watch, and servers on the loopback to post to."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from kpatch_tools.app.bot import Round, run_round
from kpatch_tools.app.review import Choice
from kpatch_tools.review.bot.config import BotConfig, Limits, Output, Source
from kpatch_tools.review.bot.state import BotState
from kpatch_tools.review.threads import Received
from kpatch_tools.tree import KernelTree

NOON = 1_304_251_200


class HasPath(Protocol):
    """A repository with the tag v1."""

    path: Path


@dataclass
class Bot:
    """`outputs` and `limits` may be changed between rounds."""

    folder: Path
    repository: Path
    outputs: tuple[Output, ...] = ()
    limits: Limits = field(default_factory=Limits)
    sources: tuple[Source, ...] = ()

    @property
    def config(self) -> BotConfig:
        sources = self.sources or (Source("maildir", self.folder / "mail"),)
        return BotConfig(self.repository, self.folder / "bot.sqlite", sources, self.outputs, self.limits)

    def receive(self, *letters: Received, prefix: str = "") -> None:
        for letter in letters:
            (self.folder / "mail" / "new" / f"{prefix}{letter.name}").write_bytes(letter.data)

    def round(self, *, after: int = 0) -> Round:
        """One round, that many seconds after noon."""
        state = BotState(self.config.state)
        try:
            return run_round(KernelTree.open(self.repository), self.config, state, Choice(), now=NOON + after)
        finally:
            state.close()

    def states(self) -> list[tuple[str, str]]:
        """Subject and state of every series that is known."""
        state = BotState(self.config.state)
        try:
            return [(subject, known) for _, subject, known, _, _ in state.series()]
        finally:
            state.close()


@pytest.fixture
def bot(work: "HasPath", tmp_path: Path) -> Bot:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return Bot(tmp_path, work.path)


class _Keeper:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refusals: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        self.envelopes.append(envelope)
        return "250 kept"


@dataclass
class Smtp:
    """A real server that keeps what it is given, but answers the first letters with `refusals`."""

    address: str
    envelopes: list[Envelope]
    refusals: list[str]


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    keeper = _Keeper()
    controller = Controller(keeper, hostname="127.0.0.1", port=0)
    # The controller asks for a port of its own before it knows which one it has.
    controller.port = _free_port()
    controller.start()
    try:
        yield Smtp(f"127.0.0.1:{controller.port}", keeper.envelopes, keeper.refusals)
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class FakePatchwork:
    """A server that speaks the documented part of Patchwork's API, two things on a page.

    `patches`: numbers by Message-ID and project. `refusals`: what the next requests to a path get instead, as (status,
    headers). `asked`: what was requested, as "METHOD path?query".
    """

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    mboxes: dict[str, bytes] = field(default_factory=dict)
    patches: dict[tuple[str, str], int] = field(default_factory=dict)
    checks: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    projects: set[str] = field(default_factory=lambda: {"linux"})
    refusals: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    page_size: int = 2
    link_scheme: str = "http"

    def complete(self, number: int, mbox: bytes, *, date: str = "", project: str = "linux") -> None:
        """A series of that number has arrived."""
        path = f"/series/{number}/mbox/"
        self.mboxes[path] = mbox
        payload = {"series": {"id": number, "mbox": f"{self.link_scheme}{self.url[4:]}{path}"}}
        date = date or f"2011-05-01T12:00:00.{len(self.events):06}"
        event = {"id": 900 + len(self.events), "date": date, "category": "series-completed", "payload": payload}
        self.events.append({**event, "project": {"link_name": project}})

    def has_patch(self, letter: bytes, number: int, project: str = "linux") -> None:
        line = next(row for row in letter.split(b"\n") if row.lower().startswith(b"message-id:"))
        self.patches[line.partition(b"<")[2].partition(b">")[0].decode(), project] = number

    def answer(self, path: str, query: dict[str, str]) -> object:
        """What is listed there; None for what is not there."""
        if path == "/api/1.2/events/":
            assert query["category"] == "series-completed"
            found = [one for one in self.events if one["project"]["link_name"] == query["project"]]
            found = [one for one in found if one["date"] >= query.get("since", "")]
            return sorted(found, key=lambda one: str(one["date"]), reverse=query.get("order") != "date")
        if path.startswith("/api/1.2/projects/"):
            name = path.split("/")[4]
            return {"link_name": name} if name in self.projects else None
        if path == "/api/1.2/patches/":
            wanted = query.get("project")
            fitting = [(key, number) for key, number in self.patches.items() if key[0] == query["msgid"]]
            return [{"id": number} for key, number in fitting if wanted in (None, key[1])]
        if path.startswith("/api/1.2/patches/") and path.endswith("/checks/"):
            found = self.checks.get(int(path.split("/")[4]), [])
            return [one for one in found if one["context"] == query.get("context", one["context"])]
        return None


class _PatchworkHandler(BaseHTTPRequestHandler):
    fake: FakePatchwork

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        if self._refused("GET", address.path):
            return
        if address.path in self.fake.mboxes:
            self._send(self.fake.mboxes[address.path], "text/plain")
            return
        found = self.fake.answer(address.path, query)
        if isinstance(found, list):
            size = self.fake.page_size
            page = int(query.get("page", "1"))
            part = found[(page - 1) * size : page * size]
            if page > 1 and not part:
                self._answer({"detail": "Invalid page."}, 404)
                return
            where = f"{self.fake.link_scheme}{self.fake.url[4:]}{address.path}"
            more = urlencode({**query, "page": str(page + 1)})
            links = [f'<{where}?{more}>; rel="next"'] if len(found) > page * size else []
            links += [f'<{where}?{urlencode(query)}>; rel="prev"'] if page > 1 else []
            self._answer(part, 200, {"Link": ", ".join(links)} if links else {})
        elif found is not None:
            self._answer(found)
        else:
            self._answer({"detail": "Not found."}, 404)

    def do_POST(self) -> None:
        check = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused("POST", self.path):
            return
        self.fake.tokens.append(self.headers["Authorization"])
        assert self.headers["Content-Type"] == "application/json"
        assert check["state"] in ("pending", "success", "warning", "fail")
        assert re.fullmatch(r"[\w-]{1,255}", check["context"])
        self.fake.checks.setdefault(int(self.path.split("/")[4]), []).append(check)
        self._answer(check, 201)

    def _refused(self, method: str, path: str) -> bool:
        self.fake.asked.append(f"{method} {self.path}")
        waiting = self.fake.refusals.get(f"{method} {path}", [])
        if not waiting:
            return False
        status, headers = waiting.pop(0)
        self._answer({"detail": "No."}, status, headers)
        return True

    def _answer(self, value: object, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        self._send(json.dumps(value).encode(), "application/json", status, headers)

    def _send(self, data: bytes, kind: str, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        self.send_response_only(status)
        own = {"Content-Type": kind, "Content-Length": str(len(data)), "Date": self.date_time_string()}
        for name, value in {**own, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def patchwork() -> Iterator[FakePatchwork]:
    fake = FakePatchwork()
    handler = type("Handler", (_PatchworkHandler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
