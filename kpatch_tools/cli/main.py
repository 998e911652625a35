"""The command group: finds the verb, and turns every way of ending into an exit code."""

import gc
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Final

import click

from kpatch_tools import __version__
from kpatch_tools.cli.lazy import LazyGroup
from kpatch_tools.cli.session import ReaderGoneError
from kpatch_tools.core.errors import KpatchError

VERBS: Final[Mapping[str, str]] = {
    "backport": "Bring a hook, a commit or a patch to another version, or say why not.",
    "generate": "Write a hook's complete patch for a version.",
    "apply": "Apply a patch to a version in memory; refuse what would be wrong.",
    "check": "Check a patch, a commit or a range.",
    "review": "Review a patch, a series or a thread: findings in the format the reader takes.",
    "premerge": "The gate before a merge or a push, by hand or as a git hook.",
    "bot": "Watch where patches arrive, and review each new series once.",
    "model": "Execute a version's own page-table code under Xen's rules.",
    "hooks": "Show hook tables: slots, defaults, overrides, call sites.",
    "demo": "The main job on the embedded miniature kernel.",
    "completion": "Print the shell's completion script.",
}

EXIT_INTERRUPTED: Final = 130
"""What a shell reports for a program that SIGINT ended."""

_UNTIL_COLLECTED: Final = 100_000
"""Objects that are made before the first look for cycles among them. Our values hold none, and looking for some after
every 700, as Python does by itself, takes a third of the time of whatever reads a whole kernel."""


@click.group(
    cls=LazyGroup,
    package=__package__,
    commands_by_name=VERBS,
    title="Verbs",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`kpt VERB --help` shows worked examples. Exit codes: 0 done or nothing to do, 1 a person is needed, "
    "2 bad usage or input, 3 undetermined.",
)
@click.version_option(__version__, prog_name="kpt")
def kpt() -> None:
    """Analyse, generate, check and backport Linux kernel patches, and confirm them by executing the tree's own C.

    kpt reads a git repository of the kernel (--repo, else the one around the current directory, else KPT_LINUX_GIT)
    and never touches its work tree or index.
    """


def main() -> None:
    """Run `kpt` and exit."""
    gc.set_threshold(_UNTIL_COLLECTED, 20, 20)
    try:
        code = kpt.main(standalone_mode=False)
    except KpatchError as error:
        _report(error)
        code = 2
    except click.ClickException as error:
        _document("usage", error.format_message(), "see kpt --help and kpt VERB --help")
        error.show()
        code = error.exit_code
    except SystemExit as ended:
        # rich ends the process itself where its reader went away; that is not exit 1, "a person is needed".
        code = 0 if isinstance(ended.__context__, BrokenPipeError) else ended.code
    except (KeyboardInterrupt, click.Abort):
        _document("interrupted", "interrupted; nothing was left half written", "run it again")
        click.echo("interrupted; nothing was left half written", err=True)
        code = EXIT_INTERRUPTED
    except (BrokenPipeError, ReaderGoneError):
        # The reader went away (`kpt … | head`): not our failure, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        # A bot must not take our mistake for a finding (1) or for its own (2).
        _document("internal-error", "this is a bug in kpt; no answer was reached", "report it with standard error")
        traceback.print_exc()
        click.echo("kpt: this is a bug in kpt; no answer was reached [internal-error]", err=True)
        code = 3
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: KpatchError) -> None:
    _document(error.code, error.message, error.hint)
    click.echo(f"kpt: {error.message} [{error.code}]", err=True)
    if error.hint:
        click.echo(f"  next: {error.hint}", err=True)


def _document(code: str, message: str, hint: str | None) -> None:
    """With --json every way of ending without a result prints one document, bad usage included."""
    if "--json" not in sys.argv:
        return
    import json

    fields = {"code": code, "message": message, "hint": hint}
    click.echo(json.dumps({"schema": 1, "error": fields}, indent=2))
