"""`kpt premerge`: the gate before a merge or a push, by hand or as a git hook."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.git_hooks import KINDS, install_hook, plan_hook, uninstall_hook
from kpatch_tools.app.kept_reading import kept_reading
from kpatch_tools.app.premerge import Update, incoming, updates_of_push
from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_input import Input, inputs_of_commits
from kpatch_tools.cli.reviews import (
    chosen_checks,
    chosen_followups,
    chosen_model,
    exit_of_reviews,
    opened_past,
    print_review,
    read_ignores,
    write_reviews,
)
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Status
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.tree import KernelTree

FRAMEWORK = "pre-commit"
"""https://pre-commit.com runs hooks at git's pre-push, and names the commits in the environment."""


@click.command("premerge")
@click.argument("range_", required=False, metavar="BASE..HEAD")
@click.option("--format", "form", type=click.Choice(("text", *FORMATS)), default="text", show_default=True)
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE", help="Where it goes, with --format.")
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option("--skip", multiple=True, metavar="ID", help="Not this check; repeatable.")
@click.option("--ignore", metavar="FILE", help="Findings that are known, each with its reason (TOML).")
@click.option("--install", type=click.Choice(KINDS), help="Show the git hook, and with --yes write it.")
@click.option("--uninstall", type=click.Choice(KINDS), help="Delete the git hook that --install wrote.")
@click.option("--yes", is_flag=True, help="With --install: write what is shown.")
@click.option("--force", is_flag=True, help="With --install: also over a hook that is not ours.")
@click.option("--hook", type=click.Choice((*KINDS, FRAMEWORK)), hidden=True, help="Run by git.")
@click.argument("hook_arguments", nargs=-1, metavar="")
@verb
def command(
    session: Session,
    *,
    range_: str | None,
    form: str,
    output: str,
    checks: tuple[str, ...],
    skip: tuple[str, ...],
    ignore: str | None,
    install: str | None,
    uninstall: str | None,
    yes: bool,
    force: bool,
    hook: str | None,
    hook_arguments: tuple[str, ...],
) -> int:
    """Review every commit of BASE..HEAD where it stands, before it is merged or pushed.

    Exit 0: it may go in. 1: a finding that needs a person. 3: something could not be determined. Commits that touch
    nothing that is checked cost next to nothing; what was there before is not held against them.

    \b
    Examples:
      kpt premerge origin/master..HEAD
      kpt premerge v3.1..topic --format junit -o kpt.xml
      kpt premerge --install pre-push          shows the hook; --yes writes it
      kpt premerge --uninstall pre-push
    """
    if uninstall is not None:
        path = uninstall_hook(session.tree, uninstall)
        if session.as_json:
            session.print_json({"hook": uninstall, "path": str(path), "deleted": True})
        else:
            session.out.print(f"deleted {path}", markup=False)
        return Exit.DONE
    options = _passed_on(checks, skip, ignore)
    if install is not None:
        return _install(session, install, options, yes=yes, force=force)
    choice = Choice(
        (),
        chosen_checks(checks, skip),
        read_ignores(ignore),
        model=chosen_model(checks, skip),
        followups=chosen_followups(opened_past(session), checks, skip),
    )
    if hook is None and range_ is None:
        raise click.UsageError("name what is to come in, as BASE..HEAD")
    tree = session.tree if hook is None else _hooked(session)
    given = _given_by_hand(tree, range_ or "") if hook is None else _given_by_git(tree, hook, (range_ or "",))
    reviews = []
    as_text = form == "text" and not session.as_json
    with session.progress("reviewing") as step, kept_reading(cache_dir()):
        for one in given:
            reviews.append(review_input(tree, one, choice, progress=step))
            step("")
            if as_text and (reviews[-1].status > Status.WARN or (hook is None and session.verbosity >= 0)):
                print_review(session, reviews[-1], every=False)
    if hook is None and not given:
        session.err.print("nothing is to come in", style="dim")
    if not as_text:
        write_reviews(session, reviews, form, output)
    return exit_of_reviews(reviews)


def _hooked(session: Session) -> KernelTree:
    """The repository that git runs the hook in, with the objects of a push that it holds back until the hook ends."""
    held_back = os.environ.get("GIT_QUARANTINE_PATH")
    here = Path(os.environ.get("GIT_DIR") or session.repo or Path.cwd())
    return KernelTree.open(here, objects=Path(held_back) if held_back else None)


def _given_by_hand(tree: KernelTree, spelled: str) -> Sequence[Input]:
    """What is there already may go in: nothing comes with it, as with a topic that has been merged."""
    try:
        return inputs_of_commits(tree, spelled)
    except KpatchError as error:
        if error.code != "empty-range":
            raise
        return ()


def _given_by_git(tree: KernelTree, hook: str, arguments: Sequence[str]) -> tuple[Input, ...]:
    if hook == FRAMEWORK:
        old, new = (os.environ.get(f"PRE_COMMIT_{side}_REF", "") for side in ("FROM", "TO"))
        if not old or not new:
            raise KpatchError("malformed-hook-input", "pre-commit named no commits", hint="use its stage pre-push")
        return incoming(tree, [Update(new, tree.resolve(old).oid, tree.resolve(new).oid)], ())
    if hook == "pre-merge-commit":
        # git merge names what it merges only in its environment; a merge that git commit finishes, in a file.
        merged = [name.removeprefix("GITHEAD_") for name in os.environ if re.fullmatch("GITHEAD_[0-9a-f]{40}", name)]
        heads = [tree.resolve(head).oid for head in merged or ["MERGE_HEAD"]]
        return incoming(tree, [Update("MERGE_HEAD", None, head) for head in heads], [tree.resolve("HEAD").oid])
    updates = updates_of_push(sys.stdin)
    if hook == "pre-receive":
        return incoming(tree, updates, tree.tips().values())
    remote = arguments[0]
    there = tree.tips(f"refs/remotes/{remote}/") if remote else {}
    return incoming(tree, updates, (there or tree.tips("refs/remotes/")).values())


def _passed_on(checks: Sequence[str], skip: Sequence[str], ignore: str | None) -> tuple[str, ...]:
    options = [word for name in checks for word in ("--check", name)]
    options += [word for name in skip for word in ("--skip", name)]
    if ignore is not None:
        options += ["--ignore", str(Path(ignore).resolve())]
    chosen_checks(checks, skip)
    read_ignores(ignore)
    return tuple(options)


def _install(session: Session, kind: str, options: tuple[str, ...], *, yes: bool, force: bool) -> Exit:
    program = shutil.which(sys.argv[0]) or shutil.which("kpt")
    if program is None:
        raise KpatchError("no-program", "kpt is not on PATH", hint="install it where git's hooks find it")
    hook = plan_hook(session.tree, kind, command=str(Path(program).resolve()), options=options)
    if not session.as_json:
        session.out.print(f"{hook.path}:", style="bold", markup=False)
        session.out.print(hook.text, markup=False, end="")
    if yes:
        install_hook(hook, force=force)
    if session.as_json:
        session.print_json({"hook": hook.kind, "path": str(hook.path), "text": hook.text, "written": yes})
    elif yes:
        session.out.print(f"written; `kpt premerge --uninstall {kind}` takes it out", style="green")
    else:
        session.out.print("nothing was written; the same with --yes writes it", style="dim")
    return Exit.DONE
