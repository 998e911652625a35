"""Function types as written: found in a translation unit, compared without names and annotations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.checks.lines import parse
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, ParsedFile, declared_name, descend, name_of, parse_c
from kpatch_tools.syntax.includes import Includes

_TYPEDEF = re.compile(rb"\btypedef\s+([\w \t*]+?)\b(\w+)[ \t]*;")
_NOISE = re.compile(rb"\b(?:extern|static|inline|__inline__|register|asmlinkage)\b")


@dataclass(frozen=True, slots=True)
class Prototype:
    """Types in one line each, without names: `returns`, and `parameters` ("..." for the rest; none for `(void)`)."""

    returns: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.returns} ({', '.join(self.parameters) or 'void'})"


def parse_prototype(declaration: bytes) -> Prototype | None:
    """The function type declared by `declaration` (a function, or a pointer to one); None if there is none."""
    parsed = parse_c(declaration.rstrip(b"; \n") + b";")
    node = next((node for node in descend(parsed.root) if node.type in ("declaration", "field_declaration")), None)
    return _prototype(parsed, node) if node is not None else None


def find_prototypes(includes: Includes, path: RepoPath, name: str) -> tuple[Prototype, ...]:
    """Every declaration or definition of the function `name` in `path` and the headers it sees."""
    return tuple(
        prototype
        for file in (path, *includes.closure(path).headers)
        for prototype in prototypes_in(includes.source.read(file) or b"", name)
    )


def prototypes_in(data: bytes, name: str) -> tuple[Prototype, ...]:
    """Every declaration or definition of the function `name` in one file."""
    if re.search(rb"\b" + re.escape(name.encode()) + rb"[ \t]*\(", data) is None:
        return ()
    parsed = parse(data)
    return tuple(prototype for node in _declaring(parsed, name) if (prototype := _prototype(parsed, node)))


def same_type(includes: Includes, path: RepoPath, one: Prototype, other: Prototype) -> bool:
    """Whether two function types agree once the typedefs that `path` sees are resolved."""
    if one == other:
        return True
    typedefs = _typedefs(includes, path)
    return len(one.parameters) == len(other.parameters) and all(
        _resolved(left, typedefs) & _resolved(right, typedefs)
        for left, right in zip((one.returns, *one.parameters), (other.returns, *other.parameters), strict=True)
    )


def _typedefs(includes: Includes, path: RepoPath) -> dict[str, set[str]]:
    """Typedefs of plain types in sight; a name may have several, one for each configuration."""
    found: dict[str, set[str]] = {}
    for file in (path, *includes.closure(path).headers):
        for match in _TYPEDEF.finditer(includes.source.read(file) or b""):
            name = match.group(2).decode("ascii")
            found.setdefault(name, set()).add(_plain(match.group(1)))
    return found


def _resolved(spelled: str, typedefs: dict[str, set[str]]) -> set[str]:
    """Every spelling of a type that its typedefs lead to, its own included."""
    seen: set[str] = set()
    pending = {spelled}
    while pending:
        current = pending.pop()
        seen.add(current)
        for word in re.findall(r"\w+", current):
            for meaning in typedefs.get(word, ()):
                longer = _plain(re.sub(rf"\b{word}\b", meaning, current).encode())
                if longer not in seen and len(longer) < 200:
                    pending.add(longer)
    return seen


def _declaring(parsed: ParsedFile, name: str) -> Iterator[Node]:
    for node in descend(parsed.root):
        if node.type not in ("declaration", "function_definition"):
            continue
        for declarator in node.children_by_field_name("declarator"):
            own = declared_name(declarator)
            if own is not None and name_of(own) == name and _function_declarator(declarator) is not None:
                yield node


def _prototype(parsed: ParsedFile, node: Node) -> Prototype | None:
    declarator = node.child_by_field_name("declarator")
    function = _function_declarator(declarator)
    kind = node.child_by_field_name("type")
    if declarator is None or function is None or kind is None:
        return None
    stars = 0
    outer: Node | None = declarator
    while outer is not None and outer != function:
        stars += outer.type == "pointer_declarator"
        outer = outer.child_by_field_name("declarator")
    parameters = function.child_by_field_name("parameters")
    types = (
        tuple(_parameter(parsed, child) for child in parameters.named_children if child.type != "comment")
        if (parameters)
        else ()
    )
    returns = _plain(_qualifiers(parsed, node) + parsed.text(kind)) + "*" * stars
    return Prototype(returns, () if types == ("void",) else types)


def _function_declarator(declarator: Node | None) -> Node | None:
    """The function type nearest to the outside: of `*(*f)(int)`, the one with `(int)`."""
    while declarator is not None and declarator.type != "function_declarator":
        declarator = declarator.child_by_field_name("declarator")
    return declarator


def _parameter(parsed: ParsedFile, node: Node) -> str:
    if node.type == "variadic_parameter":
        return "..."
    text = parsed.masked[node.start_byte : node.end_byte]
    declarator = node.child_by_field_name("declarator")
    name = declared_name(declarator) if declarator is not None else None
    if name is not None:
        text = text[: name.start_byte - node.start_byte] + text[name.end_byte - node.start_byte :]
    return re.sub(r"\[\d*\w*\]$", "*", _plain(text))


def _qualifiers(parsed: ParsedFile, node: Node) -> bytes:
    return b"".join(
        parsed.text(child) + b" " for child in node.children if child.type == "type_qualifier" and child.is_named
    )


def _plain(text: bytes) -> str:
    """One spelling: single spaces, none around stars, `unsigned` for `unsigned int`."""
    words = _NOISE.sub(b" ", text).decode("utf-8", "surrogateescape")
    words = re.sub(r"/\*.*?\*/", " ", words, flags=re.DOTALL)
    words = re.sub(r"\bunsigned int\b", "unsigned", " ".join(words.split()))
    return re.sub(r" ?([*(),\[\]]) ?", r"\1", words).strip()
