"""`kpt completion`: the shell's completion script."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples:
      kpt completion bash >> ~/.bashrc
      kpt completion fish > ~/.config/fish/completions/kpt.fish
    """
    from .main import kpt

    completion = get_completion_class(shell)
    if completion is None:
        raise click.BadParameter(f"no completion for {shell}")
    click.echo(completion(kpt, {}, "kpt", "_KPT_COMPLETE").source())
