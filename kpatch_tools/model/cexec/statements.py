"""Statements to lines of Python."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import parse_expression

from .arithmetic import TypeMismatch, assigned, binary, fit
from .errors import Unsupported
from .index import NOWHERE, Ambiguous, child_of, text_of, without_comments
from .jumps import Jumps
from .scope import LocalType
from .switches import Switches
from .types import INT, VOID, CType, Function, IncompleteType, Integer, Pointer, Void, scalar_of
from .values import Local, Operand, Value

if TYPE_CHECKING:
    from .translator import Translator

_LEAVES = frozenset({"expression_statement", "declaration", "return_statement", "goto_statement"})


class Statements:
    """Translates the statements of one function."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context
        self.jumps = Jumps(translator.context)
        self._switches = Switches(self)
        self._methods: dict[str, Callable[[Node], None]] = {
            "compound_statement": self.block,
            "expression_statement": self._expression,
            "declaration": self._declaration,
            "return_statement": self._return,
            "if_statement": self._if,
            "while_statement": self._while,
            "do_statement": self._do,
            "for_statement": self._for,
            "switch_statement": self._switches.translate,
            "break_statement": lambda node: self._jump(node, self.jumps.leave()),
            "continue_statement": lambda node: self._jump(node, self.jumps.repeat()),
            "goto_statement": self._goto,
            "labeled_statement": self._labeled,
            "type_definition": self._typedef,
            "struct_specifier": self._tag,
            "union_specifier": self._tag,
            "enum_specifier": self._tag,
            "comment": lambda node: None,
        }

    def statement(self, node: Node) -> None:
        """Emit one statement. What is unsupported in it becomes code that says so when it is reached."""
        emitter = self.context.emitter
        emitter.row = node.start_point.row
        length, indent, scope = len(emitter.lines), emitter.indent, self.context.scope
        try:
            if node.has_error and (node.type in _LEAVES or node.type not in self._methods):
                raise self.context.unsupported(node, f"unparsed '{text_of(node)[:60]}'")
            method = self._methods.get(node.type)
            if method is None:
                raise self.context.unsupported(node, f"statement '{text_of(node)[:60]}'")
            method(node)
        except (Unsupported, TypeMismatch, IncompleteType, Ambiguous) as error:
            del emitter.lines[length:]
            emitter.indent, self.context.scope = indent, scope
            construct = error.construct if isinstance(error, Unsupported) else str(error)
            file, line = self.context.declarations.index.place(node)
            if isinstance(error, Unsupported) and error.place not in (None, NOWHERE):
                file, line = error.place
            emitter.emit(f"unsupported({file!r},{line},{construct!r})")

    def block(self, node: Node) -> None:
        """Emit a compound statement, in a scope of its own."""
        self.context.enter()
        self.sequence(without_comments(node))
        self.context.leave()

    def sequence(self, nodes: Sequence[Node]) -> None:
        """Emit statements in order. Labels among them start segments that a `goto` selects."""
        entries = _split_labels(nodes)
        labels = [label for label, _ in entries if label is not None]
        if not labels:
            for node in nodes:
                self.statement(node)
            return
        emitter = self.context.emitter
        target = self.jumps.segments(labels)
        emitter.emit(f"{target.flag}=0")
        with self.jumps.around(target), emitter.loop():
            segment = 0
            pending: list[Node] = []
            for label, entry in entries:
                if label is not None:
                    self._segment(target.flag, segment, pending)
                    segment += 1
                    pending = []
                if entry is not None:
                    pending.append(entry)
            self._segment(target.flag, segment, pending)
            emitter.emit("break")

    def _segment(self, counter: str, number: int, nodes: Sequence[Node]) -> None:
        if not nodes:
            return
        with self.context.emitter.block(f"if {counter}<={number}:"):
            for node in nodes:
                self.statement(node)

    def expression_block(self, node: Node) -> Operand:
        """A statement expression: its statements are emitted here, its value is the last one's."""
        self.context.enter()
        nodes = without_comments(node)
        result: Operand = Value(VOID, "None")
        last = nodes[-1] if nodes else None
        inner = without_comments(last) if last is not None and last.type == "expression_statement" else []
        if not inner or any(child.type == "labeled_statement" for child in nodes):
            self.sequence(nodes)
        else:
            for child in nodes[:-1]:
                self.statement(child)
            result = self._block_value(inner[0])
        self.context.leave()
        return result

    def _block_value(self, node: Node) -> Operand:
        value = self.translator.expressions.value(node)
        if isinstance(value.type, Void):
            self.translator.expressions.discard(value)
            return Value(VOID, "None")
        if value.const is not None:
            return value
        # The value is taken now: the block's variables may change before it is used.
        name = self.context.emitter.temporary("_e")
        kept = fit(value) if scalar_of(value.type) is not None else value
        self.context.emitter.emit(f"{name}={kept.code}")
        return Value(kept.type, name, kept.low, kept.high)

    # Simple statements

    def _expression(self, node: Node) -> None:
        inside = without_comments(node)
        if not inside:
            return
        expression = inside[0]
        if expression.type == "binary_expression" and text_of(child_of(expression, "operator")) == "*":
            left, right = child_of(expression, "left"), child_of(expression, "right")
            kind = self.translator.expressions.type_named(text_of(left)) if left.type == "identifier" else None
            if kind is not None and right.type == "identifier":
                # `T * x;` is a declaration.
                self._declare(text_of(right), Pointer(kind), None)
                return
        self.translator.assignments.statement(expression)

    def _return(self, node: Node) -> None:
        emit = self.context.emitter.emit
        inside = without_comments(node)
        result = self.context.result
        if not inside:
            emit("return")
            return
        if isinstance(result, Void):
            self.translator.assignments.statement(inside[0])
            emit("return")
            return
        emit(f"return {assigned(self.translator.expressions.value(inside[0]), result).code}")

    def _typedef(self, node: Node) -> None:
        declarations, scope = self.context.declarations, self.context.scope
        base = declarations.base(node, scope)
        for declarator in node.children_by_field_name("declarator"):
            name, kind = declarations.declare(declarator, base, scope)
            if name is not None:
                scope.names[name] = LocalType(kind)

    def _tag(self, node: Node) -> None:
        self.context.declarations.specifier(node, self.context.scope)

    def _declaration(self, node: Node) -> None:
        specifier = child_of(node, "type")
        expressions = self.translator.expressions
        misread = specifier.type == "macro_type_specifier" or (
            specifier.type == "type_identifier" and not expressions.is_type(text_of(specifier))
        )
        if misread:
            expression = parse_expression(text_of(node).rstrip("; \n"))
            if expression is None:
                raise self.context.unsupported(node, f"unknown type '{text_of(specifier)}'")
            self.translator.assignments.statement(expression)
            return
        storage = {text_of(child) for child in node.children if child.type == "storage_class_specifier"}
        if "typedef" in storage:
            self._typedef(node)
            return
        attributes = self.context.declarations.index.unit.attributes(node.start_byte, node.end_byte + 1)
        if any("cleanup" in text for text in attributes):
            raise self.context.unsupported(node, f"a variable with cleanup: '{text_of(node)[:60]}'")
        declarations, scope = self.context.declarations, self.context.scope
        base = declarations.base(node, scope)
        for declarator in node.children_by_field_name("declarator"):
            name, kind = declarations.declare(declarator, base, scope)
            if name is None:
                continue
            if isinstance(kind, Function):
                declarations.index.declare_function(name, node, declarator)
                continue
            initialiser = declarator.child_by_field_name("value") if declarator.type == "init_declarator" else None
            if "extern" in storage:
                self._declare_extern(node, declarator, name)
            elif "static" in storage:
                scope.names[name] = self.context.symbols.static_object(kind, initialiser, self.context.file, scope)
            else:
                self._declare(name, kind, initialiser)

    def _declare_extern(self, node: Node, declarator: Node, name: str) -> None:
        self.context.declarations.index.declare_variable(name, node, declarator)
        variable = self.context.symbols.variable(name, self.context.file)
        if variable is None:
            raise self.context.unsupported(node, f"extern variable '{name}' inside a function")
        self.context.scope.names[name] = variable

    def _declare(self, name: str, kind: CType, initialiser: Node | None) -> None:
        initialisers, scope = self.translator.initialisers, self.context.scope
        kind = initialisers.complete(kind, initialiser)
        if scalar_of(kind) is not None and name not in self.context.memory_names:
            local = Local(kind, self.context.emitter.temporary(f"{name}_"))
            # An initialiser sees the new variable: `int x = x;` is how the kernel leaves one uninitialised on purpose.
            scope.names[name] = local
            if initialiser is not None and not (initialiser.type == "identifier" and text_of(initialiser) == name):
                self.translator.access.store(local, initialisers.value(kind, initialiser))
            return
        place = self.context.slot(kind)
        scope.names[name] = place
        if initialiser is not None:
            initialisers.store(place, initialiser)

    # Branches and loops

    def _if(self, node: Node) -> None:
        code, known = self.translator.conditions.condition(child_of(node, "condition"))
        consequence, alternative = child_of(node, "consequence"), _else_of(node)
        if known is not None:
            if known:
                self.statement(consequence)
            elif alternative is not None:
                self.statement(alternative)
            return
        emitter = self.context.emitter
        with emitter.block(f"if {code}:"):
            self.statement(consequence)
        # A chain of else-ifs stays flat: Python allows only a hundred levels of indentation.
        while alternative is not None and (code := self._plain_condition(alternative)):
            emitter.row = alternative.start_point.row
            with emitter.block(f"elif {code}:"):
                self.statement(child_of(alternative, "consequence"))
            alternative = _else_of(alternative)
        if alternative is not None:
            with emitter.block("else:"):
                self.statement(alternative)

    def _plain_condition(self, node: Node) -> str:
        """The condition of an if statement that can follow `elif`; empty for any other statement."""
        if node.type != "if_statement" or child_of(node, "condition").has_error:
            return ""
        try:
            with self.context.emitter.capture() as lines:
                code, known = self.translator.conditions.condition(child_of(node, "condition"))
        except (Unsupported, TypeMismatch, IncompleteType, Ambiguous):
            return ""
        return "" if lines or known is not None else code

    def _while(self, node: Node) -> None:
        self._loop(child_of(node, "condition"), None, child_of(node, "body"))

    def _for(self, node: Node) -> None:
        self.context.enter()
        initialiser = node.child_by_field_name("initializer")
        if initialiser is not None and initialiser.type == "declaration":
            self._declaration(initialiser)
        elif initialiser is not None:
            self.translator.assignments.statement(initialiser)
        self._loop(node.child_by_field_name("condition"), node.child_by_field_name("update"), child_of(node, "body"))
        self.context.leave()

    def _loop(self, condition: Node | None, update: Node | None, body: Node) -> None:
        emitter = self.context.emitter
        code, known = "True", True if condition is None else None
        with emitter.capture() as lines:
            if condition is not None:
                code, known = self.translator.conditions.condition(condition)
        if known is False:
            emitter.extend(lines)
            return
        target = self.jumps.loop(None if update is None else lambda: self._update(condition, update, body))
        with self.jumps.around(target), emitter.loop():
            emitter.extend(lines, shift=1)
            if known is None:
                emitter.emit(f"if not {code}: break")
            self.statement(body)
            if update is not None:
                self._update(condition, update, body)

    def _update(self, condition: Node | None, update: Node, body: Node) -> None:
        """The step of a `for`; counting up below a bound cannot wrap, and then needs no test for it."""
        self.context.emitter.row = update.start_point.row
        name = _counted(condition, update)
        local = self.context.scope.find(name) if name is not None else None
        if isinstance(local, Local) and self._bounded(local, condition, body, name):
            self.context.emitter.emit(f"{local.name}+=1")
            return
        self.translator.assignments.statement(update)

    def _bounded(self, local: Local, condition: Node | None, body: Node, name: str | None) -> bool:
        kind = local.type
        if not isinstance(kind, Integer) or kind.size < INT.size or _assigns(body, name or ""):
            return False
        return self._same_type(condition, kind)

    def _same_type(self, condition: Node | None, kind: Integer) -> bool:
        """Whether the comparison is made in the counter's own type: only then does it bound the counter."""
        if condition is None:
            return False
        left = Value(kind, "x", kind.low, kind.high)
        operand = self.translator.expressions.unevaluated(child_of(condition, "right"))
        right = self.translator.access.value(operand)
        if not isinstance(right.type, Integer):
            return False
        if kind.low <= right.low and right.high <= kind.high and (kind.signed or right.low >= 0):
            return True
        return binary("+", left, Value(right.type, "y", right.low, right.high)).type == kind

    def _do(self, node: Node) -> None:
        emitter = self.context.emitter
        body, condition = child_of(node, "body"), child_of(node, "condition")
        with emitter.capture() as lines:
            code, known = self.translator.conditions.condition(condition)
        if known is False and not _jumps_out(body):
            self.statement(body)
            emitter.extend(lines)
            return

        def test() -> None:
            emitter.row = condition.start_point.row
            emitter.extend(lines, shift=emitter.indent - depth)
            if known is None:
                emitter.emit(f"if not {code}: break")
            elif not known:
                emitter.emit("break")

        depth = emitter.indent
        target = self.jumps.loop(test)
        with self.jumps.around(target), emitter.loop():
            self.statement(body)
            test()

    # Jumps

    def _jump(self, node: Node, done: bool) -> None:
        if not done:
            raise self.context.unsupported(node, f"'{text_of(node)}' outside of a loop")

    def _goto(self, node: Node) -> None:
        label = child_of(node, "label")
        if not self.jumps.goto(text_of(label)):
            raise self.context.unsupported(node, f"goto {text_of(label)}, into a block")

    def _labeled(self, node: Node) -> None:
        # Labels in a sequence are handled there; this one labels the only statement of an if or a loop.
        self.sequence([node])


def _else_of(node: Node) -> Node | None:
    """What an if statement runs otherwise."""
    alternative = node.child_by_field_name("alternative")
    if alternative is not None and alternative.type == "else_clause":
        return without_comments(alternative)[0]
    return alternative


def _split_labels(nodes: Sequence[Node]) -> list[tuple[str | None, Node | None]]:
    """Each statement with the label in front of it; a statement behind several labels follows its last one."""
    entries: list[tuple[str | None, Node | None]] = []
    for node in nodes:
        if node.type != "labeled_statement":
            entries.append((None, node))
            continue
        inner = [child for child in without_comments(node) if child.type != "statement_identifier"]
        entries.append((text_of(child_of(node, "label")), None))
        entries.extend(_split_labels(inner))
    return entries


def _counted(condition: Node | None, update: Node) -> str | None:
    """The variable of `for (...; i < n; i++)`; None for any other loop."""
    if condition is None or condition.type != "binary_expression" or update.type != "update_expression":
        return None
    argument, left = child_of(update, "argument"), child_of(condition, "left")
    if argument.type != "identifier" or left.type != "identifier" or argument.text != left.text:
        return None
    if text_of(child_of(condition, "operator")) != "<" or not any(child.type == "++" for child in update.children):
        return None
    return text_of(argument)


def _assigns(node: Node, name: str) -> bool:
    """Whether the statement may change the variable other than by the loop's step."""
    if node.type in ("assignment_expression", "update_expression"):
        target = node.child_by_field_name("left") or node.child_by_field_name("argument")
        while target is not None and target.type == "parenthesized_expression":
            target = without_comments(target)[0]
        if target is not None and target.type == "identifier" and text_of(target) == name:
            return True
    if node.type == "labeled_statement":
        return True
    return any(_assigns(child, name) for child in node.named_children)


def _jumps_out(node: Node) -> bool:
    """Whether a `break` or `continue` in the statement belongs to the loop around it."""
    if node.type in ("break_statement", "continue_statement"):
        return True
    if node.type in ("while_statement", "for_statement", "do_statement"):
        return False
    return any(_jumps_out(child) for child in node.named_children)
