"""What every verb shares: which repository, which form of output, how much is said."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kpatch_tools.core.errors import KpatchError

if TYPE_CHECKING:
    from rich.console import Console

    from kpatch_tools.app.recall import Recall
    from kpatch_tools.model import Translations
    from kpatch_tools.tree import KernelTree


@dataclass(frozen=True)
class Session:
    """One run of one verb. `verbosity` is -1 (quiet), 0 or more (-v, repeatable)."""

    repo: Path | None
    as_json: bool
    verbosity: int

    @cached_property
    def tree(self) -> "KernelTree":
        """The kernel repository. Raises KpatchError "no-repository" where none was named and none is around."""
        from kpatch_tools.tree import KernelTree

        found = self.repo or _repository_around(Path.cwd()) or _repository_of_environment()
        return KernelTree.open(found, cache=cache_dir())

    @cached_property
    def out(self) -> "Console":
        """Standard output: results only, so that it can be piped."""
        from rich.console import Console

        return Console(highlight=False, soft_wrap=True)

    @cached_property
    def err(self) -> "Console":
        """Standard error: progress and remarks; silent with -q."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True, quiet=self.verbosity < 0)

    def print_json(self, fields: Mapping[str, object]) -> None:
        """Print `fields` as one JSON document, with the schema's version first."""
        click.echo(json.dumps({"schema": 1, **fields}, indent=2, ensure_ascii=True))

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[str], None]]:
        """A line on a terminal's standard error while the block runs; call the value to say what is being done, with
        "" to take the line away before something is printed.

        It is redrawn by each call and not by a thread, since work that forks must not fork beside one.
        """
        if not self.err.is_terminal or self.verbosity < 0:
            yield lambda step: self.err.print(f"{title}: {step}", style="dim") if step and self.verbosity > 0 else None
            return
        from rich.live import Live
        from rich.text import Text

        # Results go to standard output, wherever that is, and never by way of this line.
        with Live(
            Text(f"{title} …", "dim"), console=self.err, auto_refresh=False, transient=True, redirect_stdout=False
        ) as live:
            yield lambda step: live.update(Text(f"{title}: {step} …" if step else "", "dim"), refresh=True)


class ReaderGoneError(Exception):
    """Nobody reads what is written any more (`kpt … | head`); click would make a failure of the system's own error."""


def verb(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that all verbs have, and pass them as a Session in front of the verb's own."""

    @click.option(
        "--repo",
        type=click.Path(path_type=Path),
        help="Git repository of the kernel.  [default: around the current directory, else $KPT_LINUX_GIT]",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document (stable fields, schema 1).")
    @click.option("-v", "--verbose", count=True, help="Say more.")
    @click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")
    @wraps(function)
    def wrapped(repo: Path | None, as_json: bool, verbose: int, quiet: bool, **own: Any) -> int:
        try:
            return function(Session(repo, as_json, -1 if quiet else verbose), **own)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    return wrapped


def cache_dir() -> Path:
    """Where kpt may keep what it can make again: $KPT_CACHE_DIR, else the user's cache directory."""
    if named := os.environ.get("KPT_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kpatch-tools"


def kept_translations() -> "Translations":
    """Kernels that an earlier run translated for the model; see `cache_dir`."""
    from kpatch_tools.model import Translations

    return Translations(cache_dir() / "translations")


def kept_history(*, make: bool) -> "Recall":
    """The index of a history that an earlier run made, or that this one makes (`make`); see `cache_dir`."""
    from kpatch_tools.app.recall import Recall

    return Recall(cache_dir() / "history", make)


def _repository_around(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists() or ((candidate / "HEAD").is_file() and (candidate / "objects").is_dir()):
            return candidate
    return None


def _repository_of_environment() -> Path:
    named = os.environ.get("KPT_LINUX_GIT")
    if not named:
        raise KpatchError(
            "no-repository",
            "no git repository around the current directory",
            hint="name one with --repo PATH, or set KPT_LINUX_GIT; `kpt demo` needs none",
        )
    return Path(named)
