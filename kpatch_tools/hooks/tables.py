"""Finds a hook table in a source: its slots, their defaults, overrides, call sites and guards."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, ParsedFile, ancestors, enclosing_function, is_static, line_of, name_of, parse_c

from .aliases import Aliases, declarator_of, initial_value
from .atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
from .expansion import TableMacro, expand, table_macros
from .initialiser import initialised, literal_braces, value_name
from .members import MemberKind, Shape, find_shape
from .search import mentions_word, search_source
from .uses import UseReader, Uses, source_line

DEFAULT_SCOPE = ("arch/x86", "drivers")


@dataclass(frozen=True, slots=True)
class _Declaration:
    """One file-level declaration of the table's name. `value` are the braces of its initialiser."""

    file: RepoPath
    name: Node
    tag: str
    pointer: bool
    static: bool
    value: Node | None
    defines: bool
    damaged: bool


def find_hook_tables(
    source: BlobSource, *, table: str = "x86_init", scope: tuple[str, ...] = DEFAULT_SCOPE
) -> HookAtlas:
    """The table called `table` as the C files below `scope` declare, fill, override and call it.

    Judged from the parse tree: comments, strings, code under `#if 0`, other members or locals of the same name do not
    count; a file-private variable of the same name is another variable. Uses through a macro that names the table
    count where the macro is used. Whatever could not be judged is in `coverage.not_understood`.
    """
    found = search_source(source, table, scope)
    originals = {path: parse_c(data) for path, data in found.hits if mentions_word(data, table)}
    macros = table_macros(originals, table)
    for path, data in _users_of_macros(source, macros.values(), scope):
        originals.setdefault(path, parse_c(data))
    files = {path: _expanded(parsed, macros.values(), path) for path, parsed in originals.items()}
    refused: list[NotUnderstood] = []
    declarations = [item for path, parsed in files.items() for item in _declarations(parsed, path, table)]
    tag = _table_tag(declarations)
    shape = find_shape(source, tag, dict(found.hits), scope) if tag is not None else None
    tables: tuple[HookTable, ...] = ()
    if tag is not None and shape is not None and any(shape.slots()):
        private = _private_files(declarations, tag)
        kept = [item for item in declarations if item.tag == tag and item.file not in private]
        public = {path: parsed for path, parsed in files.items() if path not in private}
        tables = (_read_table(table, shape, kept, public, refused),)
        refused.extend(_unexpanded(macros.values(), originals))
    coverage = Coverage(
        files=len(files),
        bytes=sum(len(parsed.source) for parsed in originals.values()),
        searched_files=found.files,
        searched_bytes=found.bytes,
        not_understood=tuple(refused),
    )
    return HookAtlas(tables, coverage)


def _users_of_macros(
    source: BlobSource, macros: Iterable[TableMacro], scope: tuple[str, ...]
) -> Iterator[tuple[RepoPath, bytes]]:
    """Files that can reach the table through a header's macro without naming it."""
    for macro in macros:
        if macro.file.endswith(".h") and macro.expandable:
            found = search_source(source, macro.name, scope)
            yield from ((path, data) for path, data in found.hits if mentions_word(data, macro.name))


def _expanded(parsed: ParsedFile, macros: Iterable[TableMacro], path: RepoPath) -> ParsedFile:
    own = {
        directive.argument.partition(b"(")[0].split()[0]
        for directive in parsed.directives
        if directive.name == "define" and directive.argument
    }
    usable = [
        macro
        for macro in macros
        if macro.file == path or (macro.file.endswith(".h") and macro.name.encode() not in own)
    ]
    data = expand(parsed.source, usable)
    return parsed if data == parsed.source else parse_c(data)


def _unexpanded(macros: Iterable[TableMacro], files: dict[RepoPath, ParsedFile]) -> Iterator[NotUnderstood]:
    for macro in macros:
        if not macro.expandable:
            location = Location(macro.file, macro.line)
            yield NotUnderstood(location, f"the uses of the macro {macro.name} are not followed", macro.name)


def _read_table(
    table: str,
    shape: Shape,
    declarations: list[_Declaration],
    files: dict[RepoPath, ParsedFile],
    refused: list[NotUnderstood],
) -> HookTable:
    uses = Uses()
    pointer = any(item.pointer for item in declarations)
    for path, parsed in files.items():
        refused.extend(_unreadable(parsed, path, table))
        UseReader(parsed, path, shape, Aliases(parsed, table, pointer=pointer), uses).read()
        if parsed.hidden:
            other = parse_c(parsed.source, last_branch=True)
            aliases = Aliases(other, table, pointer=pointer)
            UseReader(other, path, shape, aliases, uses, only=parsed.hidden).read()
            refused.extend(_left_out(parsed, other, path, table))
    refused.extend(uses.not_understood)
    defaults = _read_defaults(declarations, shape, files, refused)
    home = next((item for item in declarations if item.defines), declarations[0])
    return HookTable(
        name=table,
        type=shape.members[""].signature,
        file=home.file,
        line=line_of(home.name),
        struct=shape.members[""].location,
        slots=tuple(
            Slot(
                path=path,
                signature=shape.members[path].signature,
                location=shape.members[path].location,
                defaults=tuple(defaults.get(path, ())),
                overrides=tuple(uses.overrides.get(path, ())),
                call_sites=tuple(uses.call_sites.get(path, ())),
                guards=tuple(uses.guards.get(path, ())),
            )
            for path in shape.slots()
        ),
    )


def _read_defaults(
    declarations: list[_Declaration], shape: Shape, files: dict[RepoPath, ParsedFile], refused: list[NotUnderstood]
) -> dict[str, list[Reference]]:
    defaults: dict[str, list[Reference]] = {}
    for item in declarations:
        parsed = files[item.file]
        if item.damaged:
            location = Location(item.file, line_of(item.name))
            line = source_line(parsed, item.name.start_byte)
            refused.append(NotUnderstood(location, "parse error in its declaration", line))
        for assigned in initialised(item.value, shape) if item.value is not None else ():
            location = Location(item.file, line_of(assigned.place))
            if shape.kind(assigned.path) is MemberKind.SLOT:
                reference = Reference(value_name(assigned.value, parsed.source), location)
                defaults.setdefault(assigned.path, []).append(reference)
            elif shape.kind(assigned.path) is None or any(shape.slots(assigned.path)):
                line = source_line(parsed, assigned.place.start_byte)
                refused.append(NotUnderstood(location, f"an initialiser for {assigned.path}", line))
    return defaults


def _declarations(parsed: ParsedFile, path: RepoPath, table: str) -> Iterator[_Declaration]:
    for node in Aliases(parsed, table, pointer=False).mentions(table, parsed.root):
        declarator = declarator_of(node)
        if declarator is None or declarator.parent is None or enclosing_function(node) is not None:
            continue
        holder = declarator.parent if declarator.parent.type == "init_declarator" else declarator
        declaration = holder.parent
        if declaration is None or declaration.type != "declaration" or _inside_parameters(declaration):
            continue
        type_node = declaration.child_by_field_name("type")
        tag_node = type_node.child_by_field_name("name") if type_node is not None else None
        value = initial_value(declarator)
        extern = any(child.text == b"extern" for child in declaration.children)
        yield _Declaration(
            file=path,
            name=node,
            tag=name_of(tag_node) if tag_node is not None else "",
            pointer=declarator.type == "pointer_declarator",
            static=is_static(declaration),
            value=literal_braces(value) if value is not None else None,
            defines=value is not None or not extern,
            damaged=declaration.has_error,
        )


def _inside_parameters(declaration: Node) -> bool:
    return any(node.type == "function_definition" for node in ancestors(declaration))


def _table_tag(declarations: Iterable[_Declaration]) -> str | None:
    """The type of the variable that is visible to other files; of a file-private one only where there is no other."""
    ranked = sorted((item for item in declarations if item.tag), key=lambda item: (item.static, not item.defines))
    return ranked[0].tag if ranked else None


def _private_files(declarations: Iterable[_Declaration], tag: str) -> frozenset[RepoPath]:
    """Files that have a variable of their own under the table's name."""
    listed = tuple(declarations)
    shared = any(not item.static for item in listed if item.tag == tag)
    return frozenset(item.file for item in listed if item.tag != tag or (item.static and shared))


def _left_out(parsed: ParsedFile, other: ParsedFile, path: RepoPath, table: str) -> Iterator[NotUnderstood]:
    """Mentions in branches of conditionals that neither tree holds."""
    for span in parsed.hidden:
        text = parsed.source[span.start : span.end]
        if any(span.overlaps(hidden) for hidden in other.hidden) and mentions_word(text, table):
            line = parsed.source.count(b"\n", 0, span.start) + 1
            reason = "in a branch of a conditional that cuts through a statement, left out"
            yield NotUnderstood(Location(path, line), reason, source_line(parsed, span.start + 1))


def _unreadable(parsed: ParsedFile, path: RepoPath, table: str) -> Iterator[NotUnderstood]:
    """Mentions that are no expression although they stand in code."""
    pattern = re.compile(rb"(?<![\w$])" + re.escape(table.encode()) + rb"(?![\w$])")
    for match in pattern.finditer(parsed.masked):
        node = parsed.root.descendant_for_byte_range(match.start(), match.end())
        reason = "" if node is None else _reason(node)
        if reason:
            function = enclosing_function(node) if node is not None else None
            line = parsed.source.count(b"\n", 0, match.start()) + 1
            yield NotUnderstood(Location(path, line, function), reason, source_line(parsed, match.start()))


def _reason(node: Node) -> str:
    if node.is_error:
        return "parse error around it"
    if node.type == "type_identifier":
        parent = node.parent
        named = parent is not None and parent.type in ("struct_specifier", "union_specifier", "enum_specifier")
        return "" if named else "read as a type"
    return ""
