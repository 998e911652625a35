"""The switch statement."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import CASE_RANGE

from .arithmetic import fit, promote
from .index import child_of, text_of, without_comments
from .types import CType, wrap

if TYPE_CHECKING:
    from .statements import Statements

_ENDS = frozenset({"break_statement", "return_statement", "goto_statement", "continue_statement"})


@dataclass(slots=True)
class _Section:
    """Statements behind one or more labels. `tests` are Python conditions on the selector; `default` is one too."""

    tests: list[str]
    default: bool
    body: list[Node]


class Switches:
    """Translates switches of one function."""

    def __init__(self, statements: "Statements") -> None:
        self._statements = statements
        self._context = statements.context

    def translate(self, node: Node) -> None:
        context, statements = self._context, self._statements
        emitter = context.emitter
        value = fit(promote(statements.translator.expressions.value(child_of(node, "condition"))))
        selector = emitter.temporary("_s")
        emitter.emit(f"{selector}={value.code}")
        sections = self._sections(child_of(node, "body"), selector, value.type)
        context.enter()
        if all(_is_closed(section, last=section is sections[-1]) for section in sections):
            self._chain(sections)
        else:
            self._cascade(sections)
        context.leave()

    def _chain(self, sections: list[_Section]) -> None:
        """No section falls into the next: an if-chain."""
        emitter = self._context.emitter
        otherwise: _Section | None = None
        head = "if"
        for section in sections:
            if section.default:
                otherwise = section
                continue
            with emitter.block(f"{head} {' or '.join(section.tests)}:"):
                self._statements.sequence(_without_break(section.body))
            head = "elif"
        if otherwise is None:
            return
        if head == "if":
            self._statements.sequence(_without_break(otherwise.body))
            return
        with emitter.block("else:"):
            self._statements.sequence(_without_break(otherwise.body))

    def _cascade(self, sections: list[_Section]) -> None:
        """Select the section to start at; it and all after it run, unless a break ends the loop that runs once."""
        emitter, statements = self._context.emitter, self._statements
        start = emitter.temporary("_k")
        default = next((number for number, section in enumerate(sections) if section.default), len(sections))
        head = "if"
        for number, section in enumerate(sections):
            if section.tests:
                emitter.emit(f"{head} {' or '.join(section.tests)}: {start}={number}")
                head = "elif"
        emitter.emit(f"{start}={default}" if head == "if" else f"else: {start}={default}")
        target = statements.jumps.once()
        with statements.jumps.around(target), emitter.block("for _ in ONCE:"):
            for number, section in enumerate(sections):
                with emitter.block(f"if {start}<={number}:"):
                    statements.sequence(section.body)

    def _sections(self, body: Node, selector: str, kind: CType) -> list[_Section]:
        sections: list[_Section] = []
        for node in without_comments(body):
            if node.type != "case_statement":
                if node.type == "ERROR" or _has_case(node):
                    raise self._context.unsupported(node, "a case label inside another statement")
                # Before the first label nothing runs; declarations there only declare.
                if not sections and node.type == "declaration":
                    raise self._context.unsupported(node, "a declaration before the first case")
                if sections:
                    sections[-1].body.append(node)
                continue
            label = node.child_by_field_name("value")
            statements = [child for child in without_comments(node) if label is None or child.id != label.id]
            if any(_has_case(child) for child in statements):
                raise self._context.unsupported(node, "a case label inside another statement")
            if not sections or sections[-1].body:
                sections.append(_Section([], False, []))
            section = sections[-1]
            if label is None:
                section.default = True
            else:
                section.tests.append(self._test(label, selector, kind))
            section.body.extend(statements)
        return sections

    def _test(self, label: Node, selector: str, kind: CType) -> str:
        """A label has the type of the selector: `case -1` of an unsigned one is its greatest value."""

        def constant(node: Node) -> int:
            return wrap(self._statements.translator.expressions.constant(node), kind)

        if label.type == "call_expression" and text_of(child_of(label, "function")) == CASE_RANGE:
            first, last = without_comments(child_of(label, "arguments"))
            return f"{constant(first)}<={selector}<={constant(last)}"
        return f"{selector}=={constant(label)}"


def _is_closed(section: _Section, *, last: bool) -> bool:
    """Whether the section neither falls into the next nor breaks from within."""
    body = section.body
    ends = last or (bool(body) and body[-1].type in _ENDS)
    return ends and not any(_breaks(node) for node in _without_break(body)) and not _labels(body)


def _without_break(body: list[Node]) -> list[Node]:
    return body[:-1] if body and body[-1].type == "break_statement" else body


def _breaks(node: Node) -> bool:
    """Whether a `break` of the switch is in the statement."""
    if node.type == "break_statement":
        return True
    if node.type in ("while_statement", "for_statement", "do_statement", "switch_statement"):
        return False
    return any(_breaks(child) for child in node.named_children)


def _labels(body: list[Node]) -> bool:
    return any(node.type == "labeled_statement" for node in body)


def _has_case(node: Node) -> bool:
    if node.type == "case_statement":
        return True
    if node.type == "switch_statement":
        return False
    return any(_has_case(child) for child in node.named_children)
