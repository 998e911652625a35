"""Lines of an answer: broken at words and indented on a terminal, whole where they are piped."""

from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_KIND: Final = 13
"""Columns for what a line is about, indentation included."""


def print_line(out: Console, text: str, style: str = "") -> None:
    """One line, such as a title."""
    if out.is_terminal:
        out.print(Text(plain(text), style), soft_wrap=False)
    else:
        # A table of thousands of lines is written five times as fast without rich, which also makes spaces of tabs.
        click.echo(plain(text))


def print_rows(out: Console, kind: str, lines: Sequence[str], style: str = "") -> None:
    """Lines of one kind ("default"), below a title."""
    if not out.is_terminal:
        for line in lines:
            print_line(out, f"    {kind:<9} {line}", style)
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_KIND, no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text(f"    {kind}", style), Text(plain(line), style))
    if lines:
        out.print(grid, soft_wrap=False)


def plain(text: str) -> str:
    """Bytes of a source that are in no encoding have no place on a terminal."""
    return text.encode("utf-8", "replace").decode()
