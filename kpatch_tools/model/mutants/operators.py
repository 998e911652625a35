"""Mutation operators: what a person could get wrong at one node of the syntax tree. One function each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ancestors, name_of

from .vocabulary import Vocabulary


class MutationRule(StrEnum):
    """What kind of mistake a mutant is."""

    RELATION = "relation"
    """Another relational operator."""
    ARITHMETIC = "arithmetic"
    """The opposite arithmetic, shift or bit operator, also in a compound assignment."""
    LOGIC = "logic"
    """`&&` for `||` or the reverse, or one side of it alone."""
    ONE_PAGE = "one-page"
    """An address a page further or nearer; a count, an index or a literal one more or less."""
    VARIABLE = "variable"
    """Another variable of the same type."""
    DROP = "drop"
    """A statement left out."""
    SWAP = "swap"
    """Two neighbouring statements, or two arguments, in the other order."""
    NEGATE = "negate"
    """A condition negated."""
    CALLEE = "callee"
    """Another function of the same type, called or assigned."""


@dataclass(frozen=True, slots=True)
class Change:
    """`after` in place of the bytes of `span`."""

    rule: MutationRule
    span: Span
    after: str


Operator = Callable[[Node, Vocabulary], Iterator[Change]]

_RELATIONS = ("<", "<=", ">", ">=", "==", "!=")
_OPPOSITES: Mapping[str, str] = {
    one: other
    for pair in (("+", "-"), ("*", "/"), ("<<", ">>"), ("&", "|"), ("+=", "-="), ("<<=", ">>="), ("&=", "|="))
    for one, other in (pair, pair[::-1])
}
_PRINTING = frozenset({"printk", "pr_debug", "pr_info", "pr_warning", "pr_warn", "pr_err", "pr_notice"})
_OF_PAGE_NUMBERS = frozenset({"PFN_PHYS", "pfn_to_mfn", "pfn_valid", "pfn_to_page"})
_STATEMENTS = frozenset(
    {"expression_statement", "if_statement", "while_statement", "for_statement", "do_statement", "return_statement"}
)


def is_spared(node: Node) -> bool:
    """Whether the node is part of a print statement, or of a declaration's type."""
    return any(_is_printing(one) for one in (node, *ancestors(node)))


def relation(node: Node, _words: Vocabulary) -> Iterator[Change]:
    operator = _operator(node, "binary_expression")
    if operator is not None and operator.type in _RELATIONS:
        yield from (_at(MutationRule.RELATION, operator, other) for other in _RELATIONS if other != operator.type)


def arithmetic(node: Node, _words: Vocabulary) -> Iterator[Change]:
    operator = _operator(node, "binary_expression") or _operator(node, "assignment_expression")
    if operator is not None and operator.type in _OPPOSITES:
        yield _at(MutationRule.ARITHMETIC, operator, _OPPOSITES[operator.type])
    update = _operator(node, "update_expression")
    if update is not None:
        yield _at(MutationRule.ARITHMETIC, update, "--" if update.type == "++" else "++")


def logic(node: Node, _words: Vocabulary) -> Iterator[Change]:
    operator = _operator(node, "binary_expression")
    if operator is None or operator.type not in ("&&", "||"):
        return
    yield _at(MutationRule.LOGIC, operator, "||" if operator.type == "&&" else "&&")
    for side in ("left", "right"):
        operand = node.child_by_field_name(side)
        if operand is not None:
            yield _at(MutationRule.LOGIC, node, _text(operand))


def one_page(node: Node, _words: Vocabulary) -> Iterator[Change]:
    """Operands of relations and arguments of calls that are names, sums or calls; and every integer literal."""
    if node.type == "number_literal":
        yield from (_at(MutationRule.ONE_PAGE, node, f"({_text(node)} {sign} 1)") for sign in "+-")
        return
    if node.type not in ("identifier", "call_expression", "binary_expression") or not _is_value(node):
        return
    step = "1" if _counts_pages(node) else "PAGE_SIZE"
    yield from (_at(MutationRule.ONE_PAGE, node, f"({_text(node)} {sign} {step})") for sign in "+-")


def variable(node: Node, words: Vocabulary) -> Iterator[Change]:
    if node.type == "identifier" and _is_read_or_written(node):
        yield from (_at(MutationRule.VARIABLE, node, other) for other in words.rivals(node))


def drop(node: Node, _words: Vocabulary) -> Iterator[Change]:
    """A statement, or an initialiser's entry; a loop or condition is also left out with its body kept."""
    comma = node.next_sibling
    if node.type == "initializer_pair" and comma is not None and comma.type == ",":
        yield Change(MutationRule.DROP, Span(node.start_byte, comma.end_byte), "")
    if node.type not in _STATEMENTS:
        return
    yield _at(MutationRule.DROP, node, ";")
    body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
    if body is not None:
        yield _at(MutationRule.DROP, node, _text(body))


def swap(node: Node, _words: Vocabulary) -> Iterator[Change]:
    """With the next statement of the same block, or a call's neighbouring arguments."""
    following = node.next_named_sibling
    if node.type in _STATEMENTS and following is not None and following.type in _STATEMENTS:
        between = _between(node, following)
        span = Span(node.start_byte, following.end_byte)
        yield Change(MutationRule.SWAP, span, _text(following) + between + _text(node))
    elif node.type == "argument_list":
        given = [one for one in node.named_children if one.type not in ("comment", "string_literal")]
        for first, second in pairwise(given):
            span = Span(first.start_byte, second.end_byte)
            yield Change(MutationRule.SWAP, span, f"{_text(second)}, {_text(first)}")


def negate(node: Node, _words: Vocabulary) -> Iterator[Change]:
    condition = node.child_by_field_name("condition")
    if node.type in ("if_statement", "while_statement") and condition is not None:
        yield _at(MutationRule.NEGATE, condition, f"(!{_text(condition)})")


def callee(node: Node, words: Vocabulary) -> Iterator[Change]:
    """The function that is called, or that is assigned to a slot."""
    if node.type == "identifier" and (_is_called(node) or _is_assigned(node)):
        yield from (_at(MutationRule.CALLEE, node, other) for other in words.doubles(name_of(node)))


OPERATORS: tuple[Operator, ...] = (relation, arithmetic, logic, one_page, variable, drop, swap, negate, callee)


def _operator(node: Node, kind: str) -> Node | None:
    return node.child_by_field_name("operator") if node.type == kind else None


def _is_printing(node: Node) -> bool:
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    if node.type == "expression_statement" and node.named_children:
        return _is_printing(node.named_children[0])
    return function is not None and function.type == "identifier" and name_of(function) in _PRINTING


def _is_value(node: Node) -> bool:
    """An operand of a relation, or an argument of a call."""
    parent = node.parent
    if parent is None:
        return False
    operator = _operator(parent, "binary_expression")
    return parent.type == "argument_list" or (operator is not None and operator.type in _RELATIONS)


def _counts_pages(node: Node) -> bool:
    """Whether one page is 1 here: the value is turned into an address, or compared with such a one."""
    if any(name_of(one) in _OF_PAGE_NUMBERS for one in _callees_around(node)):
        return True
    parent = node.parent
    compared = parent is not None and parent.type == "binary_expression"
    return node.type == "identifier" and compared and _is_plain(parent)


def _callees_around(node: Node) -> Iterator[Node]:
    parent = node.parent
    call = parent.parent if parent is not None and parent.type == "argument_list" else None
    function = call.child_by_field_name("function") if call is not None else None
    if function is not None and function.type == "identifier":
        yield function


def _is_plain(comparison: Node | None) -> bool:
    """A comparison of two bare names."""
    return comparison is not None and all(
        (side := comparison.child_by_field_name(which)) is not None and side.type == "identifier"
        for which in ("left", "right")
    )


def _is_read_or_written(node: Node) -> bool:
    """An identifier that stands for its variable: not a declared name, and not called."""
    parent = node.parent
    if parent is None or parent.type.endswith(("declarator", "declaration")):
        return parent is not None and parent.type == "init_declarator" and parent.child_by_field_name("value") == node
    return not _is_called(node)


def _is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == node


def _is_assigned(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "assignment_expression":
        return parent.child_by_field_name("right") == node
    return parent.type == "initializer_pair" and parent.child_by_field_name("value") == node


def _between(first: Node, second: Node) -> str:
    """The blanks between two neighbours; comments between them stay out of it."""
    rows = second.start_point.row - first.end_point.row
    return "\n" * rows if rows else " "


def _at(rule: MutationRule, node: Node, after: str) -> Change:
    return Change(rule, Span(node.start_byte, node.end_byte), after)


def _text(node: Node) -> str:
    return (node.text or b"").decode("latin-1")
