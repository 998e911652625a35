"""The table of changed files under a patch's message, as git format-patch prints it (72 columns)."""

from collections.abc import Sequence
from dataclasses import dataclass

from .paths import quote
from .values import FileDiff

_WIDTH = 72


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    added: int
    deleted: int
    binary: bool


def format_diffstat(files: Sequence[FileDiff]) -> bytes:
    """The stat and the summary (created, deleted and renamed files, changed modes); empty for no files."""
    if not files:
        return b""
    rows = [_row(file) for file in files]
    text = "".join(_format_row(row, rows) for row in rows) + _totals(rows) + "".join(_summary(file) for file in files)
    return text.encode("utf-8", "surrogateescape")


def _row(file: FileDiff) -> _Row:
    kinds = [line.kind for hunk in file.hunks for line in hunk.lines]
    return _Row(_name(file), kinds.count("+"), kinds.count("-"), file.binary)


def _name(file: FileDiff) -> str:
    old, new = file.old_path, file.new_path
    if old is None or new is None or old == new:
        return quote(file.path).decode("ascii")
    return _renamed(old, new)


def _renamed(old: str, new: str) -> str:
    """`dir/{a => b}/file`: what both names share stands outside the braces, cut at slashes."""
    prefix = 0
    for index, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b:
            break
        if a == "/":
            prefix = index + 1
    suffix = 0
    # The shared end may begin with the slash that ends the shared beginning.
    limit = min(len(old), len(new)) - prefix + (1 if prefix else 0)
    for index in range(1, limit + 1):
        if old[-index] != new[-index]:
            break
        if old[-index] == "/":
            suffix = index
    if not prefix and not suffix:
        return f"{old} => {new}"
    middle = (old[prefix : max(prefix, len(old) - suffix)], new[prefix : max(prefix, len(new) - suffix)])
    return f"{old[:prefix]}{{{middle[0]} => {middle[1]}}}{old[len(old) - suffix :]}"


def _format_row(row: _Row, rows: list[_Row]) -> str:
    most = max((other.added + other.deleted for other in rows if not other.binary), default=0)
    longest = max(len(other.name) for other in rows)
    number_width = len(str(most))
    if any(other.binary for other in rows):
        number_width = max(number_width, 3)
    name_width, graph_width = _widths(longest, most, number_width)
    name = _shortened(row.name, name_width).ljust(name_width)
    if row.binary:
        return f" {name} | {'Bin':>{number_width}}\n"
    added, deleted = _scaled(row, most, graph_width)
    graph = "+" * added + "-" * deleted
    return f" {name} | {row.added + row.deleted:>{number_width}}{' ' + graph if graph else ''}\n"


def _widths(longest: int, most: int, number_width: int) -> tuple[int, int]:
    """git's show_stats: if both do not fit, the graph gets three eighths of the line, and the names the rest."""
    width = max(_WIDTH, 16 + 6 + number_width)
    taken = number_width + 6
    if longest + taken + most <= width:
        return longest, most
    graph = min(most, max(width * 3 // 8 - taken, 6))
    if longest > width - taken - graph:
        return width - taken - graph, graph
    return longest, width - taken - longest


def _shortened(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    tail = name[len(name) - (width - 3) :]
    slash = tail.find("/")
    return "..." + (tail[slash:] if slash >= 0 else tail)


def _scaled(row: _Row, most: int, width: int) -> tuple[int, int]:
    added, deleted = row.added, row.deleted
    if most <= width:
        return added, deleted
    total = _scale(added + deleted, width, most)
    if total < 2 and added and deleted:
        total = 2
    if added < deleted:
        added = _scale(added, width, most)
        return added, total - added
    deleted = _scale(deleted, width, most)
    return total - deleted, deleted


def _scale(count: int, width: int, most: int) -> int:
    return 1 + count * (width - 1) // most if count else 0


def _totals(rows: list[_Row]) -> str:
    added = sum(row.added for row in rows)
    deleted = sum(row.deleted for row in rows)
    text = f" {len(rows)} file{'' if len(rows) == 1 else 's'} changed"
    if added or not deleted:
        text += f", {added} insertion{'' if added == 1 else 's'}(+)"
    if deleted or not added:
        text += f", {deleted} deletion{'' if deleted == 1 else 's'}(-)"
    return text + "\n"


def _summary(file: FileDiff) -> str:
    if file.old_path is None:
        return f" create mode {file.new_mode or 0o100644:06o} {_name(file)}\n"
    if file.new_path is None:
        return f" delete mode {file.old_mode or 0o100644:06o} {_name(file)}\n"
    text = ""
    changed = file.old_mode and file.new_mode and file.old_mode != file.new_mode
    if file.old_path != file.new_path:
        verb = "copy" if file.copied else "rename"
        text = f" {verb} {_name(file)} ({file.similarity or 0}%)\n"
        if changed:
            text += f" mode change {file.old_mode:06o} => {file.new_mode:06o}\n"
    elif changed:
        text = f" mode change {file.old_mode:06o} => {file.new_mode:06o} {_name(file)}\n"
    return text
