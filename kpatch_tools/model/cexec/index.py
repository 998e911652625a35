"""What a translation unit declares at file level, by name.

Several .c files share one unit here, so a name can have more than one definition: two files may each have their own
static function. A lookup says from which file it asks.
"""

from bisect import bisect_right
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import TranslationUnit, definitions

from .errors import Place, Unsupported

NOWHERE: Place = (RepoPath("?"), 0)

_NAMES = frozenset({"identifier", "type_identifier", "field_identifier", "primitive_type"})


class Ambiguous(Exception):  # noqa: N818 - says what the name is
    """The name has several definitions, and none of them belongs to the asking file."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or variable at file level.

    `node` is the whole definition or declaration, `declarator` the part that names it (with its initialiser).
    """

    name: str
    node: Node
    declarator: Node
    file: RepoPath
    static: bool
    weak: bool
    extern: bool = False

    @property
    def initialiser(self) -> Node | None:
        return self.declarator.child_by_field_name("value") if self.declarator.type == "init_declarator" else None


@dataclass(frozen=True, slots=True)
class Typedef:
    node: Node
    declarator: Node


@dataclass(frozen=True, slots=True)
class Enumerator:
    """`value` is None where the constant is one more than `previous` (0 if that is None too)."""

    value: Node | None
    previous: str | None


def text_of(node: Node) -> str:
    return (node.text or b"").decode("latin-1")


def declared_name(declarator: Node | None) -> str | None:
    """The name inside a declarator; None for an abstract one."""
    while declarator is not None:
        if declarator.type in _NAMES:
            return text_of(declarator)
        if declarator.type in ("parenthesized_declarator", "attributed_declarator"):
            declarator = declarator.named_children[0] if declarator.named_children else None
            continue
        declarator = declarator.child_by_field_name("declarator")
    return None


def declares_function(declarator: Node | None) -> bool:
    """Whether the declarator's name is that of a function (not of a pointer to one)."""
    innermost = ""
    while declarator is not None and declarator.type not in _NAMES:
        if declarator.type == "parenthesized_declarator":
            declarator = declarator.named_children[0] if declarator.named_children else None
            continue
        innermost = declarator.type
        declarator = declarator.child_by_field_name("declarator")
    return innermost == "function_declarator"


def child_of(node: Node, name: str) -> Node:
    """The child in field `name`; Unsupported where the grammar found none."""
    child = node.child_by_field_name(name)
    if child is None:
        raise Unsupported(None, f"a {node.type} without {name}: '{text_of(node)[:60]}'")
    return child


def is_damaged(node: Node) -> bool:
    """Whether the grammar met an error in `node`; the empty name that it gives an unnamed bit-field is none."""
    if not node.has_error:
        return False
    if node.type == "ERROR":
        # A second semicolon behind a member is GNU C.
        return text_of(node).strip("; \n") != ""
    if node.is_missing:
        parent = node.parent
        return parent is None or not any(child.type == "bitfield_clause" for child in parent.children)
    return any(is_damaged(child) for child in node.children)


def without_comments(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


class Index:
    """The file-level names of `unit`."""

    def __init__(self, unit: TranslationUnit) -> None:
        self.unit = unit
        self.typedefs: dict[str, Typedef] = {}
        self.tags: dict[tuple[bool, str], list[Node]] = {}
        self.enum_tags: dict[str, Node] = {}
        self.enumerators: dict[str, Enumerator] = {}
        self.several_enums: set[str] = set()
        """Constants of more than one enum, whose texts differ: which is meant depends on who asks."""
        self._enum_of: dict[str, bytes] = {}
        self.functions: dict[str, list[Definition]] = {}
        self.prototypes: dict[str, Definition] = {}
        self.variables: dict[str, list[Definition]] = {}
        self._bodies: list[tuple[int, int]] = []
        for child in unit.root.children:
            self._top_level(child)
        self._collect_tags()

    def place(self, node: Node) -> Place:
        """Where `node` stands in the tree; NOWHERE for one that was parsed apart (the operand of a typeof)."""
        row = node.start_point.row
        if row >= len(self.unit.places) or self.unit.text[node.start_byte : node.end_byte] != node.text:
            return NOWHERE
        return self.unit.places[row]

    def function(self, name: str, file: RepoPath | None = None) -> Definition | None:
        """The definition that a call of `name` from `file` reaches. Ambiguous when several could be meant."""
        return _chosen(self.functions.get(name, []), file)

    def variable(self, name: str, file: RepoPath | None = None) -> Definition | None:
        """The definition of variable `name` as seen from `file`, or a mere extern declaration of it."""
        return _chosen(self.variables.get(name, []), file)

    def declare_function(self, name: str, node: Node, declarator: Node) -> None:
        """Note a prototype inside a function: it says as much about the function as one outside."""
        self.prototypes.setdefault(
            name, Definition(name, node, declarator, self.place(declarator)[0], False, weak=False)
        )

    def declare_variable(self, name: str, node: Node, declarator: Node) -> None:
        """Note an `extern` declaration inside a function."""
        file = self.place(declarator)[0]
        self._variable(Definition(name, node, declarator, file, static=False, weak=False, extern=True))

    def _top_level(self, node: Node) -> None:
        kind = node.type
        if kind == "function_definition":
            self._function(node)
        elif kind == "declaration":
            self._declaration(node)
        elif kind == "type_definition":
            for declarator in node.children_by_field_name("declarator"):
                name = declared_name(declarator)
                if name is not None:
                    self.typedefs.setdefault(name, Typedef(node, declarator))
        elif kind in ("linkage_specification", "declaration_list", "ERROR"):
            for child in node.children:
                self._top_level(child)

    def _function(self, node: Node) -> None:
        declarator = node.child_by_field_name("declarator")
        body = node.child_by_field_name("body")
        if body is not None:
            self._bodies.append((body.start_byte, body.end_byte))
        name = declared_name(declarator)
        if not name or declarator is None:
            return
        storage = _storage(node)
        weak = any("weak" in text for text in self.unit.attributes(node.start_byte, (body or node).start_byte))
        file = self.place(declarator)[0]
        definition = Definition(name, node, declarator, file, "static" in storage, weak)
        self.functions.setdefault(name, []).append(definition)

    def _declaration(self, node: Node) -> None:
        storage = _storage(node)
        for declarator in node.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if not name:
                continue
            if "typedef" in storage:
                self.typedefs.setdefault(name, Typedef(node, declarator))
                continue
            extern = "extern" in storage and declarator.type != "init_declarator"
            file = self.place(declarator)[0]
            definition = Definition(name, node, declarator, file, "static" in storage, weak=False, extern=extern)
            if declares_function(declarator):
                self.prototypes.setdefault(name, definition)
            else:
                self._variable(definition)

    def _variable(self, definition: Definition) -> None:
        """Keep one entry per static variable's file, and one for the variable that all files share: the best seen."""
        known = self.variables.setdefault(definition.name, [])
        for position, other in enumerate(known):
            if other.static == definition.static and (other.file == definition.file or not other.static):
                if _completeness(definition) > _completeness(other):
                    known[position] = definition
                return
        known.append(definition)

    def _collect_tags(self) -> None:
        starts = [start for start, _ in self._bodies]
        for kind, nodes in definitions(self.unit.root).items():
            for node in nodes:
                at = bisect_right(starts, node.start_byte) - 1
                local = at >= 0 and node.start_byte < self._bodies[at][1]
                if kind == "enum_specifier":
                    self._enum(node)
                    continue
                name = node.child_by_field_name("name")
                if name is not None and not local:
                    self.tags.setdefault((kind == "union_specifier", text_of(name)), []).append(node)

    def _enum(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is not None:
            self.enum_tags.setdefault(text_of(name), node)
        body = node.child_by_field_name("body")
        if is_damaged(node):
            # Constants behind the damage would have wrong values: they are unknown instead.
            return
        previous: str | None = None
        for child in body.named_children if body is not None else ():
            label = child.child_by_field_name("name")
            if child.type == "enumerator" and label is not None:
                constant = text_of(label)
                self.enumerators.setdefault(constant, Enumerator(child.child_by_field_name("value"), previous))
                text = (body.text if body is not None else None) or b""
                if self._enum_of.setdefault(constant, text) != text:
                    self.several_enums.add(constant)
                previous = constant


def _storage(node: Node) -> set[str]:
    return {text_of(child) for child in node.children if child.type == "storage_class_specifier"}


def _completeness(definition: Definition) -> int:
    if definition.extern:
        return 0
    return 1 if definition.initialiser is None else 2


def _chosen(known: list[Definition], file: RepoPath | None) -> Definition | None:
    if len(known) <= 1:
        return known[0] if known else None
    for definition in known:
        if definition.static and definition.file == file:
            return definition
    shared = [definition for definition in known if not definition.static]
    if shared:
        return next((definition for definition in shared if not definition.weak), shared[0])
    # The same static text twice (a header without a guard) is one definition.
    if len({definition.node.text for definition in known}) == 1:
        return known[0]
    raise Ambiguous(f"{known[0].name} is defined in {', '.join(sorted({d.file for d in known}))}")
