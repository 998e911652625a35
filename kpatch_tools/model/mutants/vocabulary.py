"""The words that code could use by mistake: variables and functions in sight, by their type's text."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from kpatch_tools.syntax import (
    Node,
    ParsedFile,
    ancestors,
    declarations,
    declared_name,
    enclosing_function_node,
    function_name,
    functions,
    is_static,
    name_of,
    names_declared_by,
    parameters,
)

_ALIKE = 3
"""How many other functions are offered for one: those whose names are most alike."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one file can name: `variables` are scalars, `functions` are defined; each with its type's text."""

    variables: Mapping[str, str]
    functions: Mapping[str, str]

    def rivals(self, identifier: Node) -> Iterator[str]:
        """The other variables of the same type that are in scope at `identifier`, locals first."""
        local = local_variables(identifier)
        known = {**self.variables, **local}
        name = name_of(identifier)
        wanted = known.get(name)
        if wanted is not None:
            yield from (other for other in (*local, *self.variables) if other != name and known[other] == wanted)

    def doubles(self, function: str) -> tuple[str, ...]:
        """Other functions of the same signature, the most alike by name first; none for an unknown function."""
        wanted = self.functions.get(function)
        if wanted is None:
            return ()
        others = [name for name, type_ in self.functions.items() if type_ == wanted and name != function]
        return tuple(sorted(others, key=lambda name: (-SequenceMatcher(None, name, function).ratio(), name))[:_ALIKE])


def vocabulary_of(file: ParsedFile, others: Iterable[ParsedFile], named: Container[str]) -> Vocabulary:
    """What `file` declares at file level, and what `others` define that is not static and is in `named`.

    `named` bounds what a person could confuse: of another file's variables, only those that the code itself uses.
    """
    variables = dict(_variables(file, static=True))
    signatures = dict(_signatures(file, static=True))
    for other in others:
        for name, type_ in _variables(other, static=False):
            if name in named:
                variables.setdefault(name, type_)
        for name, type_ in _signatures(other, static=False):
            signatures.setdefault(name, type_)
    return Vocabulary(variables, signatures)


def _variables(file: ParsedFile, *, static: bool) -> Iterator[tuple[str, str]]:
    for declaration in declarations(file):
        if static or not is_static(declaration):
            yield from _scalars(declaration)


def _signatures(file: ParsedFile, *, static: bool) -> Iterator[tuple[str, str]]:
    for definition in functions(file):
        name = function_name(definition)
        if name is not None and (static or not is_static(definition)):
            yield name, _signature(definition)


def local_variables(node: Node) -> dict[str, str]:
    """Parameters, and locals of the blocks around `node` that are declared before it, name → type."""
    definition = enclosing_function_node(node)
    if definition is None:
        return {}
    found: dict[str, str] = {}
    for parameter in parameters(definition):
        found.update(_scalars(parameter))
    for block in reversed(tuple(ancestors(node))):
        for one in block.named_children:
            if (
                one.type == "declaration"
                and one.end_byte <= node.start_byte
                and block.start_byte > definition.start_byte
            ):
                found.update(_scalars(one))
    return found


def _scalars(declaration: Node) -> Iterator[tuple[str, str]]:
    """The names that a declaration gives to plain variables, with the type before the declarator."""
    type_ = declaration.child_by_field_name("type")
    if type_ is None or type_.type in ("struct_specifier", "union_specifier"):
        return
    for declarator in declaration.children_by_field_name("declarator"):
        inner = declarator.child_by_field_name("declarator") if declarator.type == "init_declarator" else declarator
        if inner is not None and inner.type == "identifier":
            yield name_of(inner), _words(type_)


def _signature(definition: Node) -> str:
    """Return type and parameter types, without names and storage classes."""
    type_, declarator = definition.child_by_field_name("type"), definition.child_by_field_name("declarator")
    pointers = 0
    while declarator is not None and declarator.type == "pointer_declarator":
        pointers += 1
        declarator = declarator.child_by_field_name("declarator")
    returns = (_words(type_) if type_ is not None else "int") + "*" * pointers
    return f"{returns}({', '.join(_parameter_type(one) for one in parameters(definition))})"


def _parameter_type(parameter: Node) -> str:
    name = declared_name(parameter.child_by_field_name("declarator"))
    text = (parameter.text or b"").decode("latin-1")
    if name is not None and name in tuple(names_declared_by(parameter)):
        at = name.start_byte - parameter.start_byte
        text = text[:at] + text[at + name.end_byte - name.start_byte :]
    return "".join(text.split())


def _words(type_: Node) -> str:
    return " ".join((type_.text or b"").decode("latin-1").split())
