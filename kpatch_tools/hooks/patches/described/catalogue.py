"""The hooks there are descriptions of: kpt's own, and a user's file."""

from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks.patches.description import HookDescription
from kpatch_tools.resources import data_dir

from .parsing import malformed, parse_description


def described_hooks() -> tuple[str, ...]:
    """The names of the hooks that kpt brings descriptions of, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def load_description(name: str) -> HookDescription:
    """The bundled description `name`; KpatchError "unknown-hook" for any other."""
    known = described_hooks()
    if name not in known:
        raise KpatchError("unknown-hook", f"no hook '{name}' is bundled", hint="bundled: " + ", ".join(known))
    return parse_description((_folder() / f"{name}.toml").read_bytes(), templates=_folder())


def read_description(file: Path) -> HookDescription:
    """A user's own description, with its templates in the folder of the hook's name beside it.

    Raises KpatchError "unreadable-file" where there is no such file, "malformed-hook" as parse_description() does, and
    for a description that wants a probing of its own.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise KpatchError(
            "unreadable-file",
            f"{file} cannot be read: {error.strerror}",
            hint="name the description's file: NAME.toml, with its texts in the folder NAME beside it",
        ) from error
    try:
        hook = parse_description(data, templates=file.resolve().parent)
        if hook.probing:
            raise malformed("probing: not for a description of one's own; the rules of a probing are part of kpt")
    except KpatchError as error:
        raise KpatchError(error.code, f"{file}: {error.message}", hint=error.hint) from error
    return hook


def _folder() -> Path:
    return data_dir("templates") / "hooks"
