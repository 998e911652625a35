"""Where a name is declared, as seen from one file."""

import re

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, ParsedFile, descend, find_function, line_of, name_of

from .reading import Files
from .shapes import file_variables, prototype


def declaration_of(files: Files, path: RepoPath, name: str, *, headers: bool = True) -> Location | None:
    """The first declaration of `name` (variable, function or macro) in `path` or in a header it sees; else None."""
    word = re.compile(rb"\b" + re.escape(name.encode()) + rb"\b")
    for one in (path, *(files.seen_from(path) if headers else ())):
        if word.search(files.source.read(one) or b"") is None:
            continue
        parsed = files.parsed(one)
        node = declares(parsed, name) if parsed is not None else None
        if node is not None:
            return Location(one, line_of(node))
    return None


def declares(parsed: ParsedFile, name: str) -> Node | None:
    """The node that declares `name` at file level: a macro, a variable, a prototype or a definition."""
    if (variable := file_variables(parsed).get(name)) is not None:
        return variable
    for found in (prototype(parsed, name), find_function(parsed, name)):
        if found is not None:
            return found
    for node in descend(parsed.root):
        if node.type in ("preproc_def", "preproc_function_def"):
            macro = node.child_by_field_name("name")
            if macro is not None and name_of(macro) == name:
                return node
    return None


def folder_of(path: str) -> str:
    """The folder that a file is in; "" for one at the top.

    >>> folder_of("arch/x86/mm/init.c"), folder_of("Makefile")
    ('arch/x86/mm', '')
    """
    return path.rpartition("/")[0]
