"""A command group that imports a command's module only when that command runs."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Knows its commands by name and one line each; module `package`.`name` has the command itself, as `command`."""

    def __init__(self, *args: Any, package: str, commands_by_name: Mapping[str, str], title: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._package = package
        self._summaries = commands_by_name
        self._title = title

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._summaries:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self._summaries:
            return
        with formatter.section(self._title):
            formatter.write_dl(list(self._summaries.items()))


def refuse_options_before(ctx: click.Context) -> None:
    """An option before a command's name would be read by the group and do nothing there: click.UsageError."""
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        if given:
            raise click.UsageError(f"put {parameter.opts[0]} behind '{ctx.invoked_subcommand}'", ctx)
