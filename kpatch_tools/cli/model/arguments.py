"""Memory maps, platforms and configurations on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import (
    DEFAULT_LAYOUTS,
    PLATFORMS,
    PROFILES,
    Layout,
    Profile,
    get_platform,
    layout_from_json,
    parse_layout,
    parse_profile,
)


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


def platform_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--platform NAME` and `--profile NAME[,+SYMBOL,-SYMBOL…]`; the command gets `platform`, and `profile` or None."""
    command = click.option(
        "--profile",
        metavar="NAME",
        callback=_profile,
        help="Configuration; NAME,+SYMBOL,-SYMBOL varies it; `help` lists them.  [default: the platform's]",
    )(command)
    return click.option(
        "--platform",
        type=click.Choice([platform.name for platform in PLATFORMS]),
        default=PLATFORMS[0].name,
        show_default=True,
        callback=lambda _ctx, _parameter, name: get_platform(name),
        help="What the kernel boots on.",
    )(command)


def _profile(ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Profile | None:
    if text is None or ctx.resilient_parsing:
        return None
    if text == "help":
        for platform in PLATFORMS:
            click.echo(f"platform {platform.name:<29} {platform.stands_for}")
        for named in PROFILES:
            click.echo(f"profile  {named.profile.name:<29} {named.about}")
        raise click.exceptions.Exit(0)
    return parse_profile(text)
