"""Finds a hook table in a source: its slots, their defaults, overrides, call sites and guards."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.core.splicing import joined
from kpatch_tools.syntax import (
    Node,
    ParsedFile,
    enclosing_function,
    find_initialiser,
    line_of,
    name_of,
    parse_c,
)
from kpatch_tools.syntax.splices import SPLIT_IDENTIFIER, split_identifiers

from .aliases import Aliases, operator_of
from .assembler import in_assembler_files, in_assembler_parts
from .atlas import Coverage, HookAtlas, HookTable, NotUnderstood, Reference, Slot
from .calling import FindHeaders, MacroReader
from .declarations import Declaration, find_declarations, private_files, table_tag
from .expansion import TableMacro, expand, table_macros
from .initialiser import bare, initialised, literal_braces
from .members import MemberKind, Shape, find_shape
from .search import mentions_word, search_source, word_pattern
from .uses import FindVariable, UseReader, Uses, filled_names, source_line

DEFAULT_SCOPE = ("arch/x86", "drivers")


def find_hook_tables(
    source: BlobSource, *, table: str = "x86_init", scope: tuple[str, ...] = DEFAULT_SCOPE
) -> HookAtlas:
    """The table called `table` as the C files below `scope` declare, fill, override and call it.

    Judged from the parse tree: comments, strings, code under `#if 0`, other members or locals of the same name do not
    count; a file-private variable of the same name is another variable. Uses through a macro that names the table
    count where the macro is used. Whatever could not be judged is in `coverage.not_understood`.
    """
    found = search_source(source, table, scope)
    originals = {path: _parse(data, table) for path, data in found.hits if _may_mention(data, table)}
    macros = table_macros(originals, table)
    for path, data in _users_of_macros(source, macros.values(), scope):
        originals.setdefault(path, parse_c(data))
    files = {path: _expanded(parsed, macros.values(), path) for path, parsed in originals.items()}
    refused = [item for path, parsed in originals.items() for item in _split(parsed, path)]
    declarations = [item for path, parsed in files.items() for item in find_declarations(parsed, path, table)]
    tag = table_tag(declarations)
    reader = MacroReader(originals, _headers_of(source, (*scope, "include")))
    shape = find_shape(source, tag, dict(found.hits), scope) if tag is not None else None
    shape = _with_wrapped(shape, reader) if shape is not None else None
    tables: tuple[HookTable, ...] = ()
    if tag is not None and shape is not None and any(shape.slots()):
        private = private_files(declarations, tag)
        for path, parsed in originals.items():
            if table.encode() in _macro_names(parsed):
                private |= {path}
                refused.append(NotUnderstood(Location(path, 1), f"{table} is a macro in this file", ""))
        kept = [item for item in declarations if item.tag == tag and item.file not in private]
        public = {path: parsed for path, parsed in files.items() if path not in private}
        variables = _variables_of(source, found.hits, scope)
        tables = (_read_table(table, shape, kept, public, variables, reader, refused),)
        refused.extend(_unexpanded(macros.values(), originals))
    coverage = Coverage(
        files=len(files),
        bytes=sum(len(parsed.source) for parsed in originals.values()),
        searched_files=found.files,
        searched_bytes=found.bytes,
        not_understood=tuple(refused),
        assembler=(*in_assembler_parts(originals, table), *in_assembler_files(source, table, scope)) if tables else (),
    )
    return HookAtlas(tables, coverage)


def _parse(data: bytes, table: str) -> ParsedFile:
    """Parse with as much care as the mentions of `table` need: most errors of a file are far from them."""
    parsed = parse_c(data, straight=False)
    if not parsed.errors:
        return parsed
    for match in word_pattern(table).finditer(parsed.masked):
        node = parsed.root.descendant_for_byte_range(match.start(), match.end())
        if node is None or _near_error(node):
            return parse_c(data)
    return parsed


def _near_error(node: Node) -> bool:
    """Whether an error is in the function or declaration around `node`, or around that."""
    current: Node | None = node
    while current is not None and current.parent is not None:
        if current.is_error or (current.has_error and not current.type.startswith("preproc_")):
            return True
        current = current.parent
    return False


def _with_wrapped(shape: Shape, macros: MacroReader) -> Shape:
    """`shape`, where structs around an untyped pointer are slots if macros call the pointer."""
    wrappers = shape.wrappers()
    called = {member for member in set(wrappers.values()) if macros.calls_member(member)}
    wrapped = {path: member for path, member in wrappers.items() if member in called}
    return shape.with_wrapped(wrapped) if wrapped else shape


def _headers_of(source: BlobSource, scope: tuple[str, ...]) -> FindHeaders:
    def find(name: str) -> Iterator[tuple[RepoPath, ParsedFile]]:
        pattern = re.compile(rb"#[ \t]*define[ \t]+" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"\(")
        for path, data in search_source(source, name, scope).hits:
            if path.endswith(".h") and pattern.search(data):
                yield path, parse_c(data, straight=False)

    return find


def _users_of_macros(
    source: BlobSource, macros: Iterable[TableMacro], scope: tuple[str, ...]
) -> Iterator[tuple[RepoPath, bytes]]:
    """Files that can reach the table through a header's macro without naming it."""
    for macro in macros:
        if macro.file.endswith(".h") and macro.expandable:
            found = search_source(source, macro.name, scope)
            yield from ((path, data) for path, data in found.hits if _may_mention(data, macro.name))


def _may_mention(data: bytes, word: str) -> bool:
    """Whether `word` is in `data` as a word; or may be, in two lines."""
    return mentions_word(data, word) or joined(data) is not None


def _split(parsed: ParsedFile, path: RepoPath) -> Iterator[NotUnderstood]:
    """What the grammar cannot put together may be the table, a member of it or a pointer to it."""
    for span in split_identifiers(parsed):
        node = parsed.root.descendant_for_byte_range(span.start, span.end)
        function = enclosing_function(node) if node is not None else None
        line = parsed.source.count(b"\n", 0, span.start) + 1
        yield NotUnderstood(Location(path, line, function), SPLIT_IDENTIFIER, source_line(parsed, span.start))


def _expanded(parsed: ParsedFile, macros: Iterable[TableMacro], path: RepoPath) -> ParsedFile:
    own = _macro_names(parsed)
    usable = [
        macro
        for macro in macros
        if macro.file == path or (macro.file.endswith(".h") and macro.name.encode() not in own)
    ]
    data = expand(parsed.source, usable)
    return parsed if data == parsed.source else parse_c(data)


def _macro_names(parsed: ParsedFile) -> frozenset[bytes]:
    """The macros that a file defines itself."""
    words = (re.match(rb"\w+", item.argument) for item in parsed.directives if item.name == "define")
    return frozenset(word.group() for word in words if word is not None)


def _unexpanded(macros: Iterable[TableMacro], files: dict[RepoPath, ParsedFile]) -> Iterator[NotUnderstood]:
    for macro in macros:
        if not macro.expandable:
            location = Location(macro.file, macro.line)
            yield NotUnderstood(location, f"the uses of the macro {macro.name} are not followed", macro.name)


def _read_table(
    table: str,
    shape: Shape,
    declarations: list[Declaration],
    files: dict[RepoPath, ParsedFile],
    variables: FindVariable,
    macros: MacroReader,
    refused: list[NotUnderstood],
) -> HookTable:
    uses = Uses()
    pointer = any(item.pointer for item in declarations)
    for path, parsed in files.items():
        refused.extend(_unreadable(parsed, path, table))
        aliases = Aliases(parsed, table, pointer=pointer)
        UseReader(parsed, path, shape, aliases, uses, variables=variables, macros=macros).read()
        if parsed.hidden:
            other = parse_c(parsed.source, last_branch=True)
            aliases = Aliases(other, table, pointer=pointer)
            UseReader(other, path, shape, aliases, uses, variables=variables, macros=macros, only=parsed.hidden).read()
            refused.extend(_left_out(parsed, other, path, table))
    refused.extend(dict.fromkeys(uses.not_understood))
    defaults = _read_defaults(declarations, shape, files, variables, macros, refused)
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
                # A function that several callers pass the table to is judged once for each.
                overrides=tuple(dict.fromkeys(uses.overrides.get(path, ()))),
                call_sites=tuple(dict.fromkeys(uses.call_sites.get(path, ()))),
                guards=tuple(dict.fromkeys(uses.guards.get(path, ()))),
            )
            for path in shape.slots()
        ),
    )


def _read_defaults(
    declarations: list[Declaration],
    shape: Shape,
    files: dict[RepoPath, ParsedFile],
    variables: FindVariable,
    macros: MacroReader,
    refused: list[NotUnderstood],
) -> dict[str, list[Reference]]:
    defaults: dict[str, list[Reference]] = {}
    for item in declarations:
        parsed = files[item.file]
        if item.damaged:
            location = Location(item.file, line_of(item.name))
            line = source_line(parsed, item.name.start_byte)
            refused.append(NotUnderstood(location, "parse error in its declaration", line))
        filled = _initial_braces(item, parsed, variables)
        if filled is None:
            continue
        braces, home = filled
        for assigned in initialised(braces, shape):
            # The initialiser of the struct that a pointer begins with may stand in another file.
            location = Location(item.file, line_of(assigned.place if home is parsed else item.name))
            slot = shape.slot_of(assigned.path)
            if shape.kind(slot) is MemberKind.SLOT:
                names = filled_names(assigned.value, home.source, macros, item.file, wrapped=slot in shape.wrapped)
                defaults.setdefault(slot, []).extend(Reference(name, location) for name in names)
            elif shape.kind(assigned.path) is None or any(shape.slots(assigned.path)):
                line = source_line(home, assigned.place.start_byte)
                refused.append(NotUnderstood(location, f"an initialiser for {assigned.path}", line))
    return defaults


def _initial_braces(item: Declaration, parsed: ParsedFile, variables: FindVariable) -> tuple[Node, ParsedFile] | None:
    """The braces that fill a table at its definition, or the struct that a table behind a pointer begins with."""
    if item.initial is None:
        return None
    braces = literal_braces(item.initial)
    if braces is not None:
        return braces, parsed
    value = bare(item.initial)
    pointed = value.child_by_field_name("argument") if value.type == "pointer_expression" else None
    if pointed is None or operator_of(value) != b"&" or pointed.type != "identifier":
        return None
    local = find_initialiser(parsed, name_of(pointed))
    found = (parsed, local) if local is not None else variables(name_of(pointed))
    value_node = found[1].child_by_field_name("value") if found is not None else None
    braces = literal_braces(value_node) if value_node is not None else None
    return (braces, found[0]) if braces is not None and found is not None else None


def _variables_of(source: BlobSource, near: tuple[tuple[RepoPath, bytes], ...], scope: tuple[str, ...]) -> FindVariable:
    """Looks for the definition of a variable with an initialiser, in `near` files, then in all of scope.

    Asked only where a struct value is assigned, which is rare: a search of all of scope takes a second.
    """

    @cache
    def find(name: str) -> tuple[ParsedFile, Node] | None:
        pattern = re.compile(rb"\b" + re.escape(name.encode()) + rb"\b[^;={}()]*=\s*\{")

        def look_in(files: Iterable[tuple[RepoPath, bytes]]) -> tuple[ParsedFile, Node] | None:
            for _, data in files:
                parsed = parse_c(data) if pattern.search(data) else None
                declarator = find_initialiser(parsed, name) if parsed is not None else None
                if parsed is not None and declarator is not None:
                    return parsed, declarator
            return None

        return look_in(near) or look_in(search_source(source, name, scope).hits)

    return find


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
    for match in word_pattern(table).finditer(parsed.masked):
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
