"""The function in which a platform sets its overrides, and where an assignment goes in it."""

from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, find_function

from .description import HookDescription, Override
from .edits import Placed, indent_of, insert, line_end, line_start
from .lacks import Lack, Need
from .parts import HookPart
from .reading import Files
from .shapes import Assignment, assignments, path_of
from .site import enclosing_statement
from .spec import HookSpec
from .structs import find_holder, find_table_type, member_name, members


def find_installer(files: Files, spec: HookSpec) -> tuple[RepoPath, Node] | None:
    """The definition of the spec's installer."""
    return installer_of(files, spec.hook, spec.hook.overrides[0])


def installer_of(files: Files, hook: HookDescription, override: Override) -> tuple[RepoPath, Node] | None:
    """The definition of the function that sets one override."""
    return files.find(
        lambda parsed: find_function(parsed, override.installer),
        override.installer.encode() + b"(",
        first=override.function.file,
        scope=hook.scope,
    )


def installs(files: Files, table: str, path: RepoPath, function: Node) -> Iterator[tuple[str, Assignment]]:
    """The assignments to the hook table in a function: the slot's path and the assignment, in file order."""
    for one in assignments(function):
        slot = path_of(one.left)
        if slot is not None and slot.startswith(f"{table}.") and files.compiled(path, one.node):
            yield slot, one


def installed_functions(files: Files, table: str, path: RepoPath, function: Node) -> Iterator[Node]:
    """The definitions, in the same file, of the functions that are assigned, in the order of the assignments."""
    parsed = files.known(path)
    for _, one in installs(files, table, path, function):
        name = path_of(one.right)
        definition = find_function(parsed, name) if name is not None else None
        if definition is not None:
            yield definition


def place_assignment(files: Files, hook: HookDescription, override: Override) -> Placed:
    """Where the platform sets the slot: beside the slot that the description names, or in the order of the table."""
    found, table = installer_of(files, hook, override), find_table_type(files, hook)
    if found is None or table is None:
        return Lack(Need.INSTALLER, f"no function {override.installer}() to set the override in")
    path, installer = found
    text = f"{hook.path} = {override.function.name};\n"
    return (
        _beside(files, hook, override, path, installer, text)
        if override.beside
        else _in_order(files, hook, override, path, installer, text, table[1])
    )


def _beside(
    files: Files, hook: HookDescription, override: Override, path: RepoPath, installer: Node, text: str
) -> Placed:
    """Behind the assignment to a slot, on the same condition."""
    parsed, where = files.known(path), files.location(path, installer)
    if installer.has_error:
        return Lack(Need.SYNTAX, f"{override.installer}() is not understood as C in every line", where)
    known = [
        statement_of(one)
        for one in assignments(installer)
        if path_of(one.left) == override.beside and files.compiled(path, one.node)
    ]
    if len(known) != 1:
        times = "never" if not known else f"{len(known)} times"
        return Lack(Need.INSTALLER, f"{override.installer}() sets {override.beside} {times}", where)
    parent = known[0].parent
    if parent is None or parent.type != "compound_statement" or not files.settled(path, known[0].start_byte):
        message = f"what follows the assignment to {override.beside} in {override.installer}() is on another condition"
        return Lack(Need.INSTALLER, message, files.location(path, known[0]))
    indent = indent_of(parsed.source, known[0].start_byte)
    return (insert(HookPart.ASSIGNMENT, path, line_end(parsed.source, known[0].end_byte), indent + text),)


def _in_order(
    files: Files,
    hook: HookDescription,
    override: Override,
    path: RepoPath,
    installer: Node,
    text: str,
    table: Node,
) -> Placed:
    """Among the installer's other assignments to the table, in the table's order.

    Only beside one that always runs: behind an `if`, the new line would take its place or share its condition.
    """
    parsed = files.known(path)
    order, rank = _order(files, hook, table)
    body = installer.child_by_field_name("body")
    last: Node | None = None
    for slot, one in installs(files, hook.table.variable, path, installer):
        if statement_of(one).parent != body:
            continue
        last = statement_of(one)
        member = member_of(slot)
        if member in order and order.index(member) >= rank:
            at = line_start(parsed.source, last.start_byte)
            return (insert(HookPart.ASSIGNMENT, path, at, indent_of(parsed.source, last.start_byte) + text),)
    if last is None:
        where = files.location(path, installer)
        return Lack(Need.INSTALLER, f"{override.installer}() sets no slot of {hook.table.variable} always", where)
    indent = indent_of(parsed.source, last.start_byte)
    at = parsed.source.index(b"\n", last.end_byte) + 1
    return (insert(HookPart.ASSIGNMENT, path, at, indent + text),)


def _order(files: Files, hook: HookDescription, table: Node) -> tuple[list[str], int]:
    """The members of the table's type, and the number of the one that the slot's assignment precedes."""
    order = [member_name(one) for one in members(table)]
    if hook.sub_table is None:
        holder = find_holder(files, hook)
        slots = [member_name(one) for one in members(holder[1])] if holder is not None else []
        for name, behind in ((hook.slot.name, 0), (hook.slot.before, 0), (hook.slot.after, 1)):
            if name and name in slots:
                return order, slots.index(name) + behind
        return order, len(order)
    if hook.sub_table.member in order:
        return order, order.index(hook.sub_table.member) + 1
    return order, order.index(hook.sub_table.before) if hook.sub_table.before in order else len(order)


def member_of(slot: str) -> str:
    """The sub-table in a slot's path.

    >>> member_of("x86_init.paging.pagetable_init")
    'paging'
    """
    parts = slot.split(".")
    return parts[1] if len(parts) > 1 else ""


def statement_of(one: Assignment) -> Node:
    """The whole statement of an assignment."""
    return enclosing_statement(one.node)
