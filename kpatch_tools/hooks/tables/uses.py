"""Judges every mention of a table in one file: override, call, guard, or not understood."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location, Span
from kpatch_tools.syntax import (
    Node,
    ParsedFile,
    ancestors,
    declared_name,
    enclosing_function,
    find_function,
    find_initialiser,
    line_of,
    name_of,
    parameters,
    parse_c,
)

from .aliases import (
    SAME_OBJECT,
    Aliases,
    Target,
    Variable,
    assigned_value,
    called_name,
    declarator_of,
    declared_variable,
    operator_of,
    referred_variable,
)
from .atlas import NotUnderstood, Reference
from .calling import MacroReader, argument_at
from .initialiser import bare, initialised, literal_braces, value_name
from .members import MemberKind, Shape

_COPIES = frozenset({"memcpy", "__memcpy", "memmove", "__builtin_memcpy"})
_STORES = frozenset({"rcu_assign_pointer", "WRITE_ONCE", "xchg", "cmpxchg"})
_CLEARS = frozenset({"memset", "__builtin_memset"})
_UNEVALUATED = frozenset({"sizeof_expression", "alignof_expression", "offsetof_expression", "macro_type_specifier"})

FindVariable = Callable[[str], tuple[ParsedFile, Node] | None]
"""The file and the `init_declarator` of a global variable, wherever it is defined."""


@dataclass(slots=True)
class Uses:
    """What was found so far, by slot path; grows file by file."""

    overrides: dict[str, list[Reference]] = field(default_factory=lambda: defaultdict(list))
    call_sites: dict[str, list[Location]] = field(default_factory=lambda: defaultdict(list))
    guards: dict[str, list[Location]] = field(default_factory=lambda: defaultdict(list))
    not_understood: list[NotUnderstood] = field(default_factory=list)


class UseReader:
    """Reads one file into `uses`."""

    def __init__(
        self,
        parsed: ParsedFile,
        file: RepoPath,
        shape: Shape,
        aliases: Aliases,
        uses: Uses,
        *,
        variables: FindVariable,
        macros: MacroReader,
        only: tuple[Span, ...] | None = None,
    ) -> None:
        self._parsed = parsed
        self._file = file
        self._shape = shape
        self._aliases = aliases
        self._uses = uses
        self._variables = variables
        self._macros = macros
        self._only = only
        """What to record; None is everything."""
        self._judged: set[int] = set()
        self._followed: set[Variable] = set()

    def read(self) -> None:
        """Judge every mention of the table itself; the pointers it is stored in follow."""
        for node in self._aliases.mentions(self._aliases.table, self._parsed.root):
            if declarator_of(node) is None:
                self._judge(node)

    def _follow(self, variable: Variable) -> None:
        if variable in self._followed:
            return
        self._followed.add(variable)
        for node in tuple(self._aliases.uses(variable)):
            self._judge(node)

    def _judge(self, identifier: Node) -> None:
        expression = whole_access(identifier)
        if expression.id in self._judged:
            return
        targets = self._aliases.evaluate(expression)
        if not targets:
            if expression.type != "identifier" and self._aliases.evaluate(identifier):
                self._refuse(expression, "the members do not follow the declaration")
            return
        self._judged.add(expression.id)
        if any(node.type in _UNEVALUATED for node in _expression_ancestors(expression)):
            return
        parent = expression.parent
        if any(node.is_error for node in ancestors(expression)) or (parent is not None and _damaged(parent)):
            self._refuse(expression, "parse error around it")
        for target in sorted(targets, key=lambda target: (target.path, target.pointer)):
            self._judge_target(expression, Target(self._shape.slot_of(target.path), target.pointer))

    def _judge_target(self, node: Node, target: Target) -> None:
        kind = self._shape.kind(target.path)
        if kind is None:
            self._refuse(node, self._shape.why_unknown(target.path))
        elif kind is MemberKind.DATA or self._judged_by_macro(node, target):
            return
        elif target.pointer:
            self._judge_address(node, target)
        elif kind is MemberKind.SLOT:
            self._judge_slot(node, target.path)
        else:
            self._judge_subtable(node, target.path)

    def _judged_by_macro(self, node: Node, target: Target) -> bool:
        """Whether `node` is an argument that a macro calls or assigns (which is recorded), or does not evaluate."""
        call = node.parent.parent if node.parent is not None and node.parent.type == "argument_list" else None
        name = called_name(call) if call is not None else ""
        callee = call.child_by_field_name("function") if call is not None else None
        if not name or callee is None or name in _COPIES | _CLEARS | _STORES:
            return False
        passed = argument_at(self._parsed.source, callee.end_byte, node.start_byte)
        reading = self._macros.reading(self._file, name, *passed) if passed is not None else None
        if reading is None:
            return False
        calls = [path for chain in reading.calls if (path := self._slot_below(target.path, chain))]
        stores = [(path, value) for chain, value in reading.stores if (path := self._slot_below(target.path, chain))]
        for path in calls:
            self._call(path, node)
        for path, value in stores:
            self._put(path, value, node)
        return bool(calls or stores) or not reading.evaluated

    def _slot_below(self, path: str, chain: str) -> str:
        """The slot at the members `chain` of `path`; "" where it is none."""
        slot = self._shape.slot_of(f"{path}.{chain}".strip("."))
        return slot if self._shape.kind(slot) is MemberKind.SLOT else ""

    def _judge_slot(self, node: Node, path: str) -> None:
        parent = node.parent
        value = assigned_value(node)
        if value is not None:
            self._override(path, value, self._parsed.source, node)
        elif parent is not None and _is_left(parent, node):
            self._refuse(node, "changed by an operator")
        elif parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == node:
            self._call(path, node)
        elif not self._stored_by_macro(path, node):
            self._guard(path, node)

    def _stored_by_macro(self, path: str, node: Node) -> bool:
        """`WRITE_ONCE(slot, f)` and `xchg(&slot, f)`, where the last argument goes into the first."""
        arguments = node.parent
        if arguments is None or arguments.type != "argument_list" or arguments.parent is None:
            return False
        passed = [child for child in arguments.named_children if child.type != "comment"]
        if called_name(arguments.parent) not in _STORES or passed[0] != node:
            return False
        self._override(path, passed[-1], self._parsed.source, node)
        return True

    def _judge_subtable(self, node: Node, path: str) -> None:
        parent = node.parent
        value = assigned_value(node)
        if value is not None:
            self._assign_struct(path, value, node)
        elif parent is None or parent.type == "expression_statement" or enclosing_function(node) is None:
            return
        elif _is_left(parent, node):
            self._refuse(node, "changed by an operator")
        else:
            for slot in self._shape.slots(path):
                self._guard(slot, node)

    def _judge_address(self, node: Node, target: Target) -> None:
        parent = node.parent
        value = assigned_value(node)
        if parent is None or value is not None:
            # An assignment to the pointer that the table is behind exchanges the table; to another, it is an alias.
            if value is not None and node.type == "identifier" and name_of(node) == self._aliases.table:
                self._assign_struct(target.path, value, node)
        elif _is_left(parent, node):
            self._refuse(node, "changed by an operator")
        elif parent.type == "assignment_expression" and parent.child_by_field_name("right") == node:
            left = parent.child_by_field_name("left")
            if left is not None and bare(left).type == "identifier" and operator_of(parent) == b"=":
                self._follow(referred_variable(bare(left)))
                if parent.parent is not None and parent.parent.type == "assignment_expression":
                    self._judge_address(parent, target)
            else:
                self._refuse(node, "its address is stored where it is not followed")
        elif parent.type == "init_declarator":
            name = declared_name(parent.child_by_field_name("declarator"))
            if name is not None:
                self._follow(declared_variable(name))
        elif parent.type == "argument_list":
            self._judge_argument(node, target, parent)
        elif parent.type in ("return_statement", "initializer_pair", "initializer_list"):
            self._refuse(node, "its address leaves the function")

    def _judge_argument(self, node: Node, target: Target, arguments: Node) -> None:
        call = arguments.parent
        name = called_name(call) if call is not None else ""
        passed = [child for child in arguments.named_children if child.type != "comment"]
        index = passed.index(node)
        if self._shape.kind(target.path) is MemberKind.SLOT and self._stored_by_macro(target.path, node):
            return
        if name in _COPIES and index == 0 and len(passed) > 1:
            self._assign_struct(target.path, passed[1], node)
        elif name in _CLEARS and index == 0:
            for slot in self._shape.slots(target.path):
                self._put(slot, "NULL", node)
        elif name in _COPIES:
            for slot in self._shape.slots(target.path):
                self._guard(slot, node)
        elif enclosing_function(node) is not None and not self._pass_to(name, index, node):
            self._refuse(node, f"its address is passed to {name or 'a function'}")

    def _pass_to(self, function: str, index: int, value: Node) -> bool:
        """Follow the table into a function of this file; False if it is not here."""
        definition = find_function(self._parsed, function) if function else None
        if definition is None:
            return False
        declared = list(parameters(definition))
        name = declared_name(declared[index].child_by_field_name("declarator")) if index < len(declared) else None
        if name is None:
            return False
        variable = Variable(definition, name_of(name))
        passed = self._aliases.arguments.setdefault(variable, [])
        if value in passed:
            return True
        passed.append(value)
        # A second caller may add a second target: judge the uses again.
        self._followed.discard(variable)
        self._judged.difference_update(whole_access(use).id for use in self._aliases.uses(variable))
        self._follow(variable)
        return True

    def _assign_struct(self, prefix: str, value: Node, node: Node, *, source: bytes | None = None) -> None:
        """A struct goes into the sub-table at `prefix`, which `node` stands for: every slot below it is overridden.

        `source` is the text that `value` is a node of, if not this file's.
        """
        braces, text = self._struct_value(value, self._parsed.source if source is None else source)
        if braces is None:
            name = value_name(value, text)
            for slot in self._shape.slots(prefix):
                member = slot[len(prefix) :].lstrip(".")
                self._put(slot, name if name == "NULL" or not member else f"{name}.{member}", node)
            return
        covered: set[str] = set()
        values: dict[str, list[Node]] = defaultdict(list)
        for assigned in initialised(braces, self._shape, prefix):
            if self._shape.kind(assigned.path) is MemberKind.SUBTABLE:
                self._assign_struct(assigned.path, assigned.value, node, source=text)
                covered.update(self._shape.slots(assigned.path))
            else:
                # Conditionals may choose among several.
                values[assigned.path].append(assigned.value)
        for slot in self._shape.slots(prefix):
            for inner in values[slot]:
                self._override(slot, inner, text, node)
            if slot not in covered and not values[slot]:
                self._put(slot, "NULL", node)

    def _struct_value(self, value: Node, source: bytes) -> tuple[Node | None, bytes]:
        """The braces that say what a struct value holds, and the text they are in.

        Its own braces, or those of the variable that it names; None where neither is to be seen.
        """
        node = bare(value)
        if node.type == "pointer_expression" and operator_of(node) == b"&":
            argument = node.child_by_field_name("argument")
            node = bare(argument) if argument is not None else node
        braces = literal_braces(node)
        if braces is not None or node.type != "identifier" or source is not self._parsed.source:
            return braces, source
        variable = referred_variable(node)
        if variable.scope.parent is None:
            found = self._own_variable(variable.name) or self._variables(variable.name)
            if found is None:
                return None, source
            initial = found[1].child_by_field_name("value")
            return (literal_braces(initial) if initial is not None else None), found[0].source
        bindings = self._aliases.bindings(variable)
        return (literal_braces(bindings[0].value) if len(bindings) == 1 else None), source

    def _own_variable(self, name: str) -> tuple[ParsedFile, Node] | None:
        parsed = self._parsed
        declared = find_initialiser(parsed, name)
        if declared is not None and declared.has_error:
            # The file may have been parsed with care around the table's own mentions only.
            parsed = parse_c(parsed.source)
            declared = find_initialiser(parsed, name)
        return (parsed, declared) if declared is not None else None

    def _override(self, slot: str, value: Node, source: bytes, node: Node) -> None:
        """`source` is the text that `value` is a node of."""
        for name in filled_names(value, source, self._macros, self._file, wrapped=slot in self._shape.wrapped):
            self._put(slot, name, node)

    def _put(self, slot: str, value: str, node: Node) -> None:
        if self._counts(node):
            self._uses.overrides[slot].append(Reference(value, self._location(node)))

    def _call(self, slot: str, node: Node) -> None:
        if self._counts(node):
            self._uses.call_sites[slot].append(self._location(node))

    def _guard(self, slot: str, node: Node) -> None:
        if self._counts(node):
            self._uses.guards[slot].append(self._location(node))

    def _refuse(self, node: Node, reason: str) -> None:
        if self._counts(node):
            line = source_line(self._parsed, node.start_byte)
            self._uses.not_understood.append(NotUnderstood(self._location(node), reason, line))

    def _counts(self, node: Node) -> bool:
        return self._only is None or any(node.start_byte in span for span in self._only)

    def _location(self, node: Node) -> Location:
        return Location(self._file, line_of(node), enclosing_function(node))


def filled_names(value: Node, source: bytes, macros: MacroReader, file: RepoPath, *, wrapped: bool) -> tuple[str, ...]:
    """What `value` puts into a slot (see `value_name`); of a `wrapped` one, the function inside the struct."""
    name = value_name(value, source)
    if not wrapped:
        return (name,)
    braces = literal_braces(value)
    if braces is not None and braces.named_child_count == 1:
        inner = braces.named_children[0]
        return (value_name(inner.child_by_field_name("value") or inner, source),)
    return macros.wrapped(file, name) or (name,)


def whole_access(identifier: Node) -> Node:
    """The largest expression around `identifier` that still stands for (a part of) the same object."""
    node = identifier
    while node.parent is not None and _continues(node.parent, node):
        node = node.parent
    return node


def _continues(parent: Node, node: Node) -> bool:
    match parent.type:
        case "parenthesized_expression":
            # `if (x)` holds its condition in parentheses too; they belong to the statement.
            return parent.parent is None or parent.parent.type not in (
                "if_statement",
                "while_statement",
                "do_statement",
                "switch_statement",
            )
        case "field_expression" | "subscript_expression" | "pointer_expression":
            return parent.child_by_field_name("argument") == node
        case "cast_expression":
            return parent.child_by_field_name("value") == node
        case "argument_list":
            return parent.parent is not None and called_name(parent.parent) in SAME_OBJECT
        case "call_expression":
            return node.type == "argument_list"
        case "conditional_expression":
            return parent.child_by_field_name("condition") != node or parent.child_by_field_name("consequence") is None
        case "comma_expression":
            return (
                parent.child_by_field_name("right") == node
                and parent.parent is not None
                and parent.parent.type == "parenthesized_expression"
            )
        case _:
            return False


def source_line(parsed: ParsedFile, offset: int) -> str:
    """The source line around `offset`, stripped."""
    start = parsed.source.rfind(b"\n", 0, offset) + 1
    end = parsed.source.find(b"\n", offset)
    line = parsed.source[start : end if end >= 0 else len(parsed.source)]
    return line.decode("utf-8", "surrogateescape").strip()


def _expression_ancestors(node: Node) -> list[Node]:
    found: list[Node] = []
    for parent in ancestors(node):
        if parent.type.endswith("_statement") or parent.type == "declaration":
            break
        found.append(parent)
    return found


def _is_left(parent: Node, node: Node) -> bool:
    if parent.type == "update_expression":
        return True
    return parent.type == "assignment_expression" and parent.child_by_field_name("left") == node


def _damaged(node: Node) -> bool:
    """Whether an error is inside the expression itself; a statement's body does not count."""
    return node.has_error and not node.type.endswith(("_statement", "translation_unit", "function_definition"))
