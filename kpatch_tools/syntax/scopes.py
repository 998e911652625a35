"""Which declaration a name in an expression refers to: C's block scopes, without types."""

from collections.abc import Iterator

from tree_sitter import Node

from .nodes import ancestors, declared_name, name_of

_TRANSPARENT = ("preproc_", "ERROR", "labeled_statement", "case_statement")


def declaring_scope(identifier: Node) -> Node:
    """The innermost scope around `identifier` that declares its name before it.

    A `compound_statement`, `for_statement` or `function_definition` (for parameters) where a local declaration is
    found; the root otherwise, that is for file-level names, undeclared ones, and those that a block declares
    `extern`.
    """
    name = name_of(identifier)
    root = identifier
    for scope in ancestors(identifier):
        root = scope
        declaration = _declaration_in(scope, name, identifier.start_byte)
        if declaration is not None and not is_extern(declaration):
            return scope
    return root


def is_extern(declaration: Node) -> bool:
    """Whether a declaration says `extern`."""
    return has_storage_class(declaration, b"extern")


def is_static(declaration: Node) -> bool:
    """Whether a declaration says `static`."""
    return has_storage_class(declaration, b"static")


def has_storage_class(declaration: Node, word: bytes) -> bool:
    """Whether `word` is among the declaration's storage classes."""
    return any(child.type == "storage_class_specifier" and child.text == word for child in declaration.children)


def _declaration_in(scope: Node, name: str, before: int) -> Node | None:
    if scope.type == "compound_statement":
        candidates = _block_declarations(scope)
    elif scope.type == "for_statement":
        initialiser = scope.child_by_field_name("initializer")
        candidates = iter(() if initialiser is None or initialiser.type != "declaration" else (initialiser,))
    elif scope.type == "function_definition":
        candidates = parameters(scope)
    else:
        return None
    found = None
    for declaration in candidates:
        if declaration.start_byte >= before:
            break
        if any(
            name_of(declared) == name and declared.start_byte < before for declared in names_declared_by(declaration)
        ):
            found = declaration
    return found


def _block_declarations(block: Node) -> Iterator[Node]:
    for child in block.named_children:
        if child.type == "declaration":
            yield child
        elif child.type.startswith(_TRANSPARENT):
            yield from _block_declarations(child)


def parameters(definition: Node) -> Iterator[Node]:
    """The `parameter_declaration`s of a function, in order (old-style declarations after them)."""
    declarator = definition.child_by_field_name("declarator")
    innermost = None
    while declarator is not None:
        if declarator.type == "function_declarator":
            innermost = declarator
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type == "parenthesized_declarator":
            inner = next(iter(declarator.named_children), None)
        declarator = inner
    listed = innermost.child_by_field_name("parameters") if innermost is not None else None
    if listed is not None:
        yield from (child for child in listed.named_children if child.type == "parameter_declaration")
    yield from (child for child in definition.named_children if child.type == "declaration")


def names_declared_by(declaration: Node) -> Iterator[Node]:
    """The name nodes that one declaration or parameter introduces."""
    for declarator in declaration.children_by_field_name("declarator"):
        name = declared_name(declarator)
        if name is not None:
            yield name
