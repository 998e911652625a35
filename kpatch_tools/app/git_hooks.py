"""Use case: the gate as a hook of a repository: shown before it is written, and taken out again."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.files import replace_file
from kpatch_tools.render import render
from kpatch_tools.tree import KernelTree

KINDS = ("pre-push", "pre-receive", "pre-merge-commit")
_MARK = "# written by kpt premerge --install"


@dataclass(frozen=True, slots=True)
class GitHook:
    """A hook to be written: `text` into `path`. `present` is what stands there: "", "ours" or "foreign"."""

    kind: str
    path: Path
    text: str
    present: str


def plan_hook(tree: KernelTree, kind: str, *, command: str, options: tuple[str, ...] = ()) -> GitHook:
    """What would be written for `kind`, one of KINDS. `command` is kpt's path, `options` go to `kpt premerge`."""
    path = tree.hooks_folder / kind
    text = render("review/git-hook.sh.j2", mark=_MARK, kind=kind, command=shlex.join([command, "premerge", *options]))
    return GitHook(kind, path, text, _present(path))


def install_hook(hook: GitHook, *, force: bool) -> None:
    """Write it, whole or not at all. KpatchError hook-exists for somebody else's without `force`, cannot-write."""
    if hook.present == "foreign" and not force:
        raise KpatchError(
            "hook-exists",
            f"{hook.path} is there already and not ours",
            hint=f"call `kpt premerge --hook {hook.kind}` from it, or replace it with --force",
        )
    try:
        hook.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(hook.path, hook.text.encode(), mode=0o755)
    except OSError as error:
        raise KpatchError(
            "cannot-write", f"cannot write {hook.path}: {error.strerror}", hint="see the folder"
        ) from error


def uninstall_hook(tree: KernelTree, kind: str) -> Path:
    """Delete our hook; its path. KpatchError no-such-hook where there is none, or not ours."""
    path = tree.hooks_folder / kind
    if _present(path) != "ours":
        raise KpatchError("no-such-hook", f"{path} is not there, or not ours", hint="kpt removes only what it wrote")
    path.unlink()
    return path


def _present(path: Path) -> str:
    try:
        return "ours" if _MARK in path.read_text(encoding="utf-8", errors="replace") else "foreign"
    except FileNotFoundError:
        return ""
