"""Where a function's prototype goes in a header, and how a file comes to see a header."""

import re
from collections.abc import Iterable

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, ParsedFile, declarations, declared_name, find_function, name_of

from .edits import Edit, Placed, insert, line_end, line_start
from .lacks import Lack, Need
from .parts import HookPart
from .reading import INCLUDE_FOLDERS, Files
from .shapes import is_function, prototype

_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]+)[>\"][^\n]*\n", re.MULTILINE)


def place_beside_file(
    files: Files, header: RepoPath, defined_in: RepoPath, declaration: str, *, conditional: bool
) -> Placed:
    """Behind the last prototype of `header` whose function `defined_in` defines.

    One that is free of conditions comes first. Only where the function has no users in other files (`conditional`) may
    its prototype depend on what those of its neighbours depend on.
    """
    parsed, definitions = files.parsed(header), files.parsed(defined_in)
    if parsed is None or definitions is None:
        return Lack(Need.VISIBILITY, f"no file {header} for a prototype" if parsed is None else f"no file {defined_in}")
    known = [node for node, name in _prototypes(parsed) if find_function(definitions, name) is not None]
    neighbours = [node for node in known if files.settled(header, node.start_byte)]
    if not neighbours and conditional:
        neighbours = [node for node in known if files.compiled(header, node)]
    if not neighbours:
        said = "always declares" if known else "declares"
        return Lack(Need.VISIBILITY, f"{header} {said} no function of {defined_in} to stand beside")
    at = line_end(parsed.source, neighbours[-1].end_byte)
    storage = "extern " if parsed.text(neighbours[-1]).startswith(b"extern") else ""
    return (insert(HookPart.PROTOTYPE, header, at, f"{storage}{declaration};\n"),)


def _prototypes(parsed: ParsedFile) -> Iterable[tuple[Node, str]]:
    for declaration in declarations(parsed):
        for declarator in declaration.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if name is not None and is_function(declarator):
                yield declaration, name_of(name)


def is_declared(files: Files, header: RepoPath, name: str) -> bool:
    """Whether a header declares a function free of any condition."""
    parsed = files.parsed(header)
    node = prototype(parsed, name) if parsed is not None else None
    return node is not None and files.settled(header, node.start_byte)


def place_include(files: Files, part: HookPart, path: RepoPath, header: str, *, guard: str = "") -> tuple[Edit, ...]:
    """`#include <header>` behind the file's other includes that no condition leaves out; above all code without any.

    `guard` is a symbol that the line depends on.
    """
    parsed = files.known(path)
    data = parsed.source
    includes = [one for one in _INCLUDE.finditer(data) if files.settled(path, one.start())]
    line = f"#include <{header}>\n"
    text = f"#ifdef {guard}\n{line}#endif\n" if guard else line
    if includes:
        return (insert(part, path, includes[-1].end(), text),)
    return (insert(part, path, _below_head(parsed), text + "\n"),)


def _below_head(parsed: ParsedFile) -> int:
    """Behind the comment that a file begins with, and a guard against being included twice."""
    data = parsed.source
    at = 0
    for one in parsed.root.named_children[:1]:
        inside = one
        if one.type == "preproc_ifdef" and len(parsed.directives) > 1 and parsed.directives[1].name == "define":
            at = line_end(data, parsed.directives[1].span.end)
            inside = next((child for child in one.named_children if child.start_byte >= at), one)
        if inside.type == "comment":
            at = line_end(data, inside.end_byte)
        elif at == 0:
            at = line_start(data, one.start_byte)
    while data[at : at + 1] == b"\n":
        at += 1
    return at


def included_as(header: RepoPath) -> str | None:
    """How `#include <...>` names a header of the tree; None for one that no usual folder holds.

    >>> included_as(RepoPath("arch/x86/include/asm/x86_init.h")), included_as(RepoPath("kernel/sched.h"))
    ('asm/x86_init.h', None)
    """
    return next((header[len(folder) :] for folder in INCLUDE_FOLDERS if header.startswith(folder)), None)


def place_sight(files: Files, part: HookPart, path: RepoPath, header: RepoPath, *, guard: str = "") -> Placed:
    """What makes `path` see `header` in every configuration: nothing, or an include."""
    if header == path or files.surely_sees(path, header):
        return ()
    name = included_as(header)
    if name is None:
        return Lack(Need.VISIBILITY, f"{path} does not see {header}, and no #include <...> names that")
    return place_include(files, part, path, name, guard=guard)
