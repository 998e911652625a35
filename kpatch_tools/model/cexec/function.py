"""One C function as Python source."""

from dataclasses import dataclass

from kpatch_tools.syntax import Node

from .context import FunctionContext, Symbols
from .errors import Place
from .index import Definition, child_of, text_of, without_comments
from .scope import Scope
from .translator import Translator
from .types import Function, scalar_of
from .values import FRAME, Local, of_range

_STACK_CHECK = 2048
"""Frames of at least this many bytes check for room on the C stack; Python's recursion limit covers smaller ones."""


@dataclass(frozen=True, slots=True)
class Translated:
    """`source` defines the Python function `python_name`; its line i (1-based) comes from `places[i - 1]`."""

    name: str
    python_name: str
    source: str
    places: tuple[Place, ...]


def translate_function(definition: Definition, python_name: str, symbols: Symbols) -> Translated:
    """Translate the definition. Unsupported if not even its parameters are understood."""
    declarations = symbols.declarations
    scope = Scope()
    base = declarations.base(definition.node, None)
    _, kind = declarations.declare(definition.declarator, base, None)
    if not isinstance(kind, Function):
        raise declarations.unsupported(definition.node, f"'{definition.name}' is no function")
    body = child_of(definition.node, "body")
    context = FunctionContext(
        symbols,
        definition.file,
        definition.name,
        kind.result,
        scope=scope,
        memory_names=frozenset(_addressed(body)),
    )
    translator = Translator(context)
    emitter = context.emitter
    emitter.row = definition.node.start_point.row
    parameters: list[str] = []
    for position, (name, parameter) in enumerate(kind.parameters):
        python = f"p_{name or position}"
        parameters.append(python)
        if name is None:
            continue
        scalar = scalar_of(parameter)
        if scalar is not None and name not in context.memory_names:
            scope.names[name] = Local(parameter, python)
            continue
        place = context.slot(parameter)
        translator.access.store(place, of_range(python, parameter))
        scope.names[name] = place
    if kind.variadic:
        parameters.append("*variadic")
    translator.statements.block(body)
    return _assembled(context, python_name, parameters)


def _assembled(context: FunctionContext, python_name: str, parameters: list[str]) -> Translated:
    index = context.declarations.index
    lines = context.emitter.lines
    first_row = lines[0].row if lines else 0
    text = [f"def {python_name}({', '.join(parameters)}):"]
    rows = [first_row]
    shift = 0
    if context.frame_size:
        size = -(-context.frame_size // 16) * 16
        head = [f"{FRAME}=SP[0]", f"SP[0]={FRAME}+{size}"]
        if size >= _STACK_CHECK:
            head.append("if SP[0]>STACK_END: stack_overflow()")
        if context.symbols.frame_fill is not None:
            head.append(f"putb({FRAME},{bytes([context.symbols.frame_fill])!r}*{size})")
        for width in sorted(context.views):
            shift_bits = width.bit_length() - 1
            head.append(f"f{width}=({FRAME}-DATA)>>{shift_bits}" if shift_bits else f"f{width}={FRAME}-DATA")
        head.append("try:")
        text += ["    " + line for line in head]
        rows += [first_row] * len(head)
        shift = 1
    for line in lines:
        text.append("    " * (line.indent + shift) + line.text)
        rows.append(line.row)
    if not lines:
        text.append("    " * (1 + shift) + "pass")
        rows.append(first_row)
    if context.frame_size:
        text += ["    finally:", f"        SP[0]={FRAME}"]
        rows += [rows[-1]] * 2
    places = tuple(index.unit.places[row] for row in rows)
    return Translated(context.name or "", python_name, "\n".join(text) + "\n", places)


def _addressed(node: Node) -> set[str]:
    """The names of variables whose address the function takes."""
    found: set[str] = set()
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "pointer_expression" and current.children[0].type == "&":
            found |= _root_name(current.child_by_field_name("argument"))
        elif _is_conjunction(current) and child_of(current, "left").type == "parenthesized_expression":
            # `(T) &x` is read as a conjunction.
            found |= _root_name(current.child_by_field_name("right"))
        stack.extend(current.named_children)
    return found


def _is_conjunction(node: Node) -> bool:
    return node.type == "binary_expression" and child_of(node, "operator").type == "&"


def _root_name(node: Node | None) -> set[str]:
    """The variable that an lvalue is part of; nothing where a pointer stands between."""
    while node is not None:
        if node.type == "identifier":
            return {text_of(node)}
        if node.type == "parenthesized_expression":
            inside = without_comments(node)
            node = inside[0] if len(inside) == 1 else None
        elif node.type == "field_expression" and child_of(node, "operator").type == ".":
            node = node.child_by_field_name("argument")
        elif node.type in ("subscript_expression", "comma_expression", "binary_expression"):
            node = node.child_by_field_name("argument") or node.child_by_field_name("left")
        else:
            return set()
    return set()
