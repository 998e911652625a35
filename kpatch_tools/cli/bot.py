"""`kpt bot`: watches where patches arrive, and reviews each new series once."""

import fcntl
import time
from pathlib import Path
from typing import TextIO

import click

from kpatch_tools.app.bot import Round, run_round, waiting_texts
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.kept_reading import kept_reading
from kpatch_tools.app.review import Choice
from kpatch_tools.cli.reviews import chosen_followups, chosen_model, opened_past, read_ignores
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.bot.config import EXAMPLE, BotConfig, parse_config
from kpatch_tools.review.bot.state import BotState
from kpatch_tools.tree import KernelTree


@click.command("bot")
@click.option("--config", "config_name", metavar="FILE", help="What to watch and where to post (TOML).")
@click.option("--once", is_flag=True, help="One round, for cron: says nothing unless something happened.")
@click.option("--show", is_flag=True, help="What waits to be posted, in full, and exit.")
@click.option("--example", is_flag=True, help="Print a configuration to begin with, and exit.")
@verb
def command(session: Session, *, config_name: str | None, once: bool, show: bool, example: bool) -> int:
    """Watch maildirs, public-inbox archives or a Patchwork project; review each new series once; post where the
    configuration says so. Nothing is sent unless an output has `post = true`.

    What it did is kept in SQLite: restarts, duplicated and re-ordered mail do no harm. One series' failure never stops
    the next.

    \b
    Examples:
      kpt bot --example > kpt.toml
      kpt bot --config kpt.toml --once
      kpt bot --config kpt.toml --show
      kpt bot --config kpt.toml
    """
    if example:
        click.echo(EXAMPLE, nl=False)
        return Exit.DONE
    if config_name is None:
        raise click.UsageError("--config FILE says what to watch; --example prints one to begin with")
    config = _read_config(Path(config_name))
    ignores = read_ignores(None if config.ignore is None else str(config.ignore))
    # Its history is opened by whoever asks it first: the process that reviews one series.
    watched = Session(config.repository, as_json=False, verbosity=session.verbosity)
    past = opened_past(watched)
    followups = chosen_followups(past, (), ())
    choice = Choice(config.on, ignores=ignores, model=chosen_model((), ()), followups=followups, past=past)
    state = BotState(config.state)
    if show:
        for output, body in waiting_texts(state, config.outputs):
            session.out.print(f"--- {output}", style="bold", markup=False)
            session.out.print(body.decode("utf-8", "replace"), markup=False)
        return Exit.DONE
    with _lock(config.state.with_suffix(".lock")) as lock:
        if not _taken(lock):
            session.err.print("another bot is at work with this state", style="dim")
            return Exit.DONE
        while True:
            done = _round(session, config, choice, state)
            if once:
                return Exit.UNDETERMINED if done.failed else Exit.DONE
            time.sleep(config.interval)


def _round(session: Session, config: BotConfig, choice: Choice, state: BotState) -> Round:
    with session.progress("bot") as step, kept_reading(cache_dir()):
        # Opened anew each time, for somebody fetches into it meanwhile.
        done = run_round(KernelTree.open(config.repository), config, state, choice, now=int(time.time()), progress=step)
    for title, lines in (("reviewed", done.reviewed), ("posted", done.posted), ("failed", done.failed)):
        for line in lines:
            session.out.print(f"{title}: {line}", style="red" if title == "failed" else "", markup=False)
    if session.verbosity > 0 or not done.quiet:
        for line in done.held:
            session.err.print(f"held back: {line}", style="dim", markup=False)
    return done


def _read_config(path: Path) -> BotConfig:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KpatchError("unreadable-file", f"cannot read {path}: {error}", hint="name a TOML file") from error
    return parse_config(text, path.name, path.resolve().parent)


def _lock(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="ascii")
    except OSError as error:
        raise KpatchError("state-unusable", f"{path}: {error.strerror}", hint="see the folder of `state`") from error


def _taken(lock: TextIO) -> bool:
    """Whether the lock is ours now; the system takes it from a process that dies."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
