"""What the bot is told: a TOML file, checked as a whole before anything is done."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from kpatch_tools.core.errors import KpatchError

SourceKind = Literal["maildir", "public-inbox", "patchwork"]
OutputKind = Literal["folder", "mail", "patchwork"]
Value = TypeVar("Value")

EXAMPLE = """\
repository = "/srv/linux.git"      # the kernel; fetch it as often as patches come
state = "/var/lib/kpt/bot.sqlite"  # what the bot remembers
on = ["linux-next", "master"]      # where to look for a base besides blob ids
ignore = "/etc/kpt/ignore.toml"    # optional: findings that are known

[limits]
seconds = 300          # for one series
megabytes = 2000       # for one series
posts_per_hour = 30
patience_minutes = 30  # how long a series may lack a patch before it is reviewed without

[[source]]
kind = "maildir"       # or "public-inbox" with path, or "patchwork" with url and project
path = "/var/mail/patches"

[[output]]
kind = "folder"        # a mail for each patch that something is said of, for a person to look at
path = "/var/lib/kpt/outbox"

[[output]]
kind = "mail"
smtp = "localhost:25"
from = "kpt <kpt@example.org>"
to = ["kpt-reviews@example.org"]
post = false           # true: really send

# [[output]]
# kind = "patchwork"   # a check for each patch
# url = "https://patchwork.example.org"
# project = "linux"
# token = "/etc/kpt/token"
# post = false
"""


@dataclass(frozen=True, slots=True)
class Source:
    """`path` of a maildir or public-inbox folder; `url` and `project` of a Patchwork."""

    kind: SourceKind
    path: Path | None = None
    url: str = ""
    project: str = ""

    @property
    def name(self) -> str:
        """What its place is remembered under."""
        return f"{self.kind} {self.path or f'{self.url} {self.project}'}"


@dataclass(frozen=True, slots=True)
class Output:
    """`post` False: what would be sent is only told. `token`: the file that holds a Patchwork's API token; `project`:
    the one whose patches get checks, "" for every one that has the patch."""

    kind: OutputKind
    path: Path | None = None
    smtp: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    url: str = ""
    token: Path | None = None
    project: str = ""
    post: bool = False

    @property
    def name(self) -> str:
        """What is remembered as done for it."""
        return f"{self.kind} {self.path or ' '.join(filter(None, (self.url, self.project, *self.recipients)))}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one series, in seconds of wall time and megabytes of memory; of all posts in an hour; and how many minutes a
    series may wait for what it lacks."""

    seconds: int = 300
    megabytes: int = 2000
    posts_per_hour: int = 30
    patience_minutes: int = 30


@dataclass(frozen=True, slots=True)
class BotConfig:
    """`ignore` None: nothing is ignored. `interval`: seconds between two looks where the bot keeps running."""

    repository: Path
    state: Path
    sources: tuple[Source, ...]
    outputs: tuple[Output, ...]
    limits: Limits = Limits()
    on: tuple[str, ...] = ()
    ignore: Path | None = None
    interval: int = 300


def parse_config(text: str, name: str, folder: Path) -> BotConfig:
    """`folder`: where relative paths begin. KpatchError malformed-config says which entry, and what it may be."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(name, str(error)) from error
    table = _Table(document, name, folder)
    config = BotConfig(
        table.path("repository"),
        table.path("state"),
        tuple(_source(one) for one in table.tables("source")),
        tuple(_output(one) for one in table.tables("output")),
        _limits(table.table("limits")),
        table.texts("on", ()),
        table.path("ignore", None),
        table.number("interval", 300, least=1),
    )
    table.close()
    if not config.sources:
        raise _malformed(name, "no [[source]]: there is nothing to watch")
    return config


def _source(table: "_Table") -> Source:
    kind = table.choice("kind", ("maildir", "public-inbox", "patchwork"))
    if kind == "patchwork":
        found = Source("patchwork", url=table.url("url"), project=table.text("project"))
    else:
        found = Source("maildir" if kind == "maildir" else "public-inbox", table.path("path"))
    table.close()
    return found


def _output(table: "_Table") -> Output:
    kind = table.choice("kind", ("folder", "mail", "patchwork"))
    if kind == "folder":
        found = Output("folder", table.path("path"), post=True)
    elif kind == "mail":
        found = Output(
            "mail",
            smtp=table.text("smtp"),
            sender=table.text("from"),
            recipients=table.texts("to"),
            post=table.flag("post"),
        )
    else:
        found = Output(
            "patchwork",
            url=table.url("url"),
            token=table.path("token"),
            project=table.text("project", ""),
            post=table.flag("post"),
        )
    table.close()
    return found


def _limits(table: "_Table") -> Limits:
    limits = Limits(
        table.number("seconds", 300, least=1),
        table.number("megabytes", 2000, least=100),
        table.number("posts_per_hour", 30, least=0),
        table.number("patience_minutes", 30, least=0),
    )
    table.close()
    return limits


_REQUIRED: Any = object()


class _Table:
    """A TOML table whose entries are taken out one by one, so that what nobody asked for is noticed."""

    def __init__(self, values: Mapping[str, Any], where: str, folder: Path) -> None:
        self._values = dict(values)
        self._where = where
        self._folder = folder

    def _take(self, key: str, fits: Callable[[Any], bool], what: str, default: Any) -> Any:
        if key not in self._values:
            if default is _REQUIRED:
                raise _malformed(self._where, f"`{key}` is missing: {what}")
            return default
        value = self._values.pop(key)
        if not fits(value):
            raise _malformed(self._where, f"`{key}` is not {what}")
        return value

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        value: str = self._take(key, lambda value: isinstance(value, str) and bool(value), "a text", default)
        return value

    def url(self, key: str) -> str:
        value = self.text(key)
        if not value.startswith(("https://", "http://")):
            raise _malformed(self._where, f"`{key}` is not an http(s) address")
        return value.rstrip("/")

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        what = f"one of {', '.join(choices)}"
        value: str = self._take(key, lambda value: value in choices, what, _REQUIRED)
        return value

    def path(self, key: str, default: Any = _REQUIRED) -> Any:
        value = self._take(key, lambda value: isinstance(value, str) and bool(value), "a path", default)
        return value if value is default else self._folder / Path(value).expanduser()

    def texts(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        def fits(value: Any) -> bool:
            return isinstance(value, list) and all(isinstance(one, str) and one for one in value)

        return tuple(self._take(key, fits, "a list of texts", default))

    def number(self, key: str, default: int, *, least: int) -> int:
        def fits(value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and value >= least

        value: int = self._take(key, fits, f"a number of at least {least}", default)
        return value

    def flag(self, key: str) -> bool:
        value: bool = self._take(key, lambda value: isinstance(value, bool), "true or false", False)
        return value

    def table(self, key: str) -> "_Table":
        value = self._take(key, lambda value: isinstance(value, dict), "a table", {})
        return _Table(value, f"{self._where}, [{key}]", self._folder)

    def tables(self, key: str) -> tuple["_Table", ...]:
        def fits(value: Any) -> bool:
            return isinstance(value, list) and all(isinstance(one, dict) for one in value)

        values = self._take(key, fits, "a list of tables", [])
        return tuple(
            _Table(value, f"{self._where}, [[{key}]] number {number}", self._folder)
            for number, value in enumerate(values, start=1)
        )

    def close(self) -> None:
        """Refuse what nobody took."""
        if self._values:
            raise _malformed(self._where, f"unknown {', '.join(sorted(self._values))}")


def _malformed(where: str, why: str) -> KpatchError:
    return KpatchError("malformed-config", f"{where}: {why}", hint="kpt bot --example prints a configuration")
