"""Memory maps on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import DEFAULT_LAYOUTS, Layout, layout_from_json, parse_layout


def layouts_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--layout MAP`, repeatable; the command gets `layouts`, texts for `chosen_layouts`."""
    return click.option(
        "--layout", "layouts", multiple=True, metavar="MAP", help="Memory map; may be repeated.  [default: a set]"
    )(command)


def chosen_layouts(texts: tuple[str, ...]) -> tuple[Layout, ...]:
    """The layouts that were named, else the default set. KpatchError "bad-layout"."""
    return tuple(layout_of(text) for text in texts) or DEFAULT_LAYOUTS


def layout_of(text: str) -> Layout:
    """A layout from its short form, or from the JSON file that `text` names. KpatchError "bad-layout"."""
    if not text.endswith(".json"):
        return parse_layout(text)
    try:
        return layout_from_json(Path(text).read_bytes(), name=text)
    except OSError as error:
        raise KpatchError("bad-layout", f"cannot read {text}: {error.strerror}", hint="name a readable file") from error
