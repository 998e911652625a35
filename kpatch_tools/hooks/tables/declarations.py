"""The file-level declarations of a table's name, and which of them are the table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import (
    Node,
    ParsedFile,
    declarations,
    declared_name,
    enclosing_function,
    is_extern,
    is_static,
    name_of,
)

from .aliases import Aliases, declarator_of, initial_value


@dataclass(frozen=True, slots=True)
class Declaration:
    """One file-level declaration of the table's name.

    `tag` is its struct's, "" for another type. `defines`: it is no mere `extern`. `damaged`: a parse error inside.
    """

    file: RepoPath
    name: Node
    tag: str
    pointer: bool
    static: bool
    initial: Node | None
    defines: bool
    damaged: bool


def find_declarations(parsed: ParsedFile, path: RepoPath, table: str) -> Iterator[Declaration]:
    """Every declaration of `table` outside of functions, in file order."""
    for node in Aliases(parsed, table, pointer=False).mentions(table, parsed.root):
        declarator = declarator_of(node)
        if declarator is None or declarator.parent is None or enclosing_function(node) is not None:
            continue
        holder = declarator.parent if declarator.parent.type == "init_declarator" else declarator
        declaration = holder.parent
        if declaration is None or declaration.type != "declaration":
            continue
        type_node = declaration.child_by_field_name("type")
        tag_node = type_node.child_by_field_name("name") if type_node is not None else None
        value = initial_value(declarator)
        yield Declaration(
            file=path,
            name=node,
            tag=name_of(tag_node) if tag_node is not None else "",
            pointer=declarator.type == "pointer_declarator",
            static=is_static(declaration),
            initial=value,
            defines=value is not None or not is_extern(declaration),
            damaged=declaration.has_error,
        )


def table_tag(declarations: Iterable[Declaration]) -> str | None:
    """The type of the variable that is visible to other files; of a file-private one only where there is no other."""
    ranked = sorted((item for item in declarations if item.tag), key=lambda item: (item.static, not item.defines))
    return ranked[0].tag if ranked else None


def private_files(declarations: Iterable[Declaration], tag: str) -> frozenset[RepoPath]:
    """Files that have a variable of their own under the table's name."""
    listed = tuple(declarations)
    shared = any(not item.static for item in listed if item.tag == tag)
    return frozenset(item.file for item in listed if item.tag != tag or (item.static and shared))


def extern_structs(parsed: ParsedFile) -> Iterator[tuple[Node, str]]:
    """The name of each variable that is declared `extern` and is a struct or a pointer to one, with the struct's tag.

    A function that returns a pointer to a struct is none.
    """
    for declaration in declarations(parsed):
        type_node = declaration.child_by_field_name("type")
        tag_node = type_node.child_by_field_name("name") if type_node is not None else None
        if tag_node is None or type_node is None or type_node.type != "struct_specifier" or not is_extern(declaration):
            continue
        for declarator in declaration.children_by_field_name("declarator"):
            inner: Node | None = declarator
            while inner is not None and inner.type == "pointer_declarator":
                inner = inner.child_by_field_name("declarator")
            name = declared_name(declarator)
            if name is not None and inner is not None and inner.type == "identifier":
                yield name, name_of(tag_node)
