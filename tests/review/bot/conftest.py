"""A bot with a maildir to watch, and servers on the loopback to post to."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

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

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 kept"


@dataclass
class Smtp:
    """A real server that keeps what it is given."""

    address: str
    envelopes: list[Envelope]


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    keeper = _Keeper()
    controller = Controller(keeper, hostname="127.0.0.1", port=0)
    # The controller asks for a port of its own before it knows which one it has.
    controller.port = _free_port()
    controller.start()
    try:
        yield Smtp(f"127.0.0.1:{controller.port}", keeper.envelopes)
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
    """A server that speaks the documented part of Patchwork's API."""

    url: str
    events: list[dict[str, Any]]
    mboxes: dict[str, bytes]
    patches: dict[str, int]
    checks: dict[int, list[dict[str, Any]]]
    tokens: list[str]


@pytest.fixture
def patchwork() -> Iterator[FakePatchwork]:
    fake = FakePatchwork("", [], {}, {}, {}, [])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            fields = dict(part.split("=", 1) for part in query.split("&") if part)
            if path == "/api/1.2/events/":
                since = fields.get("since", "").replace("%3A", ":")
                found = [event for event in fake.events if event["date"] >= since]
                self._answer(found if fields.get("page") == "1" else [], 200 if fields.get("page") == "1" else 404)
            elif path == "/api/1.2/patches/":
                number = fake.patches.get(fields["msgid"].replace("%40", "@"))
                self._answer([] if number is None else [{"id": number}])
            elif path.endswith("/checks/"):
                self._answer(fake.checks.get(int(path.split("/")[4]), []))
            elif path in fake.mboxes:
                self._send(fake.mboxes[path], "text/plain")
            else:
                self._answer({"detail": "Not found."}, 404)

        def do_POST(self) -> None:
            fake.tokens.append(self.headers["Authorization"])
            check = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert check["state"] in ("pending", "success", "warning", "fail")
            fake.checks.setdefault(int(self.path.split("/")[4]), []).append(check)
            self._answer(check, 201)

        def _answer(self, value: object, status: int = 200) -> None:
            self._send(json.dumps(value).encode(), "application/json", status)

        def _send(self, data: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
