"""Where the kernel reserves what it used of its page-table buffer, found by shape.

The shape: in the function that builds the direct mapping, an `if` that asks whether the buffer's end is above its
start and then does nothing but one call that gets both. A hook replaces that call.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, ancestors, declared_name, descend, find_function, functions, name_of

from .reading import Files
from .shapes import arguments, assignments, binary, callee, file_variables, names_in, statements, unwrapped
from .spec import HookSpec
from .units import PAGE_SHIFT, TO_BYTES


@dataclass(frozen=True, slots=True)
class SiteShape:
    """The reserving `if`, its one call, and the two file-level variables by their part in it."""

    path: RepoPath
    branch: Node
    call: Node
    start: str
    end: str

    @property
    def callee(self) -> str:
        return callee(self.call) or ""


@dataclass(frozen=True, slots=True)
class BufferShape:
    """The function that sets the buffer up, and the variable it sets to the buffer's upper limit."""

    path: RepoPath
    finder: Node
    top: str


def find_caller(files: Files, spec: HookSpec) -> tuple[RepoPath, Node] | None:
    """The definition of the function that has the call."""
    return files.find(
        lambda parsed: find_function(parsed, spec.call_function),
        spec.call_function.encode() + b"(",
        first=spec.call_file,
        scope=spec.scope,
    )


def find_site(files: Files, spec: HookSpec) -> SiteShape | None:
    """The reserve site; None where the caller has no such shape (then there is nothing for the hook to stand for).

    Also None where there are several, or where what is reserved is not just start to end (`end + 1`, a limit): the
    hook's call would not do the same.
    """
    caller = find_caller(files, spec)
    if caller is None:
        return None
    path, function = caller
    local = local_names(function)
    found: list[SiteShape] = []
    for branch in descend(function):
        if branch.type != "if_statement" or not files.compiled(path, branch):
            continue
        call = _only_call(branch)
        if call is None:
            continue
        for end, start in _above(branch):
            used = [name for one in arguments(call) for name in names_in(one)]
            if start in used and end in used and not local & {start, end}:
                found.append(SiteShape(path, branch, call, start, end))
                break
    if len(found) != 1 or not _is_plain_range(found[0]):
        return None
    return found[0]


def _is_plain_range(site: SiteShape) -> bool:
    """Whether the call gets start and end, or their difference, converted to bytes at most."""
    known = {site.start, site.end, PAGE_SHIFT, TO_BYTES}
    for argument in arguments(site.call):
        if not {site.start, site.end} & set(names_in(argument)):
            continue
        for one in descend(argument):
            if one.type in ("number_literal", "conditional_expression", "unary_expression"):
                return False
            if one.type == "identifier" and name_of(one) not in known:
                return False
            parts = binary(one)
            if parts is not None and parts[0] not in ("<<", "-"):
                return False
    return True


def find_buffer(files: Files, site: SiteShape) -> BufferShape | None:
    """The function of the site's file that sets the buffer's start, end and top."""
    parsed = files.known(site.path)
    known = file_variables(parsed)
    for function in functions(parsed):
        targets = {name_of(one.left): one.right for one in assignments(function) if one.left.type == "identifier"}
        if site.start not in targets or site.end not in targets:
            continue
        for name, value in targets.items():
            sum_ = binary(unwrapped(value))
            if name in (site.start, site.end) or name not in known or sum_ is None or sum_[0] != "+":
                continue
            if site.start in names_in(value):
                return BufferShape(site.path, function, name)
    return None


def local_names(function: Node) -> frozenset[str]:
    """Parameters and local variables of a function definition."""
    names: set[str] = set()
    for one in descend(function):
        if one.type in ("parameter_declaration", "declaration"):
            for declarator in one.children_by_field_name("declarator"):
                if (name := declared_name(declarator)) is not None:
                    names.add(name_of(name))
    return frozenset(names)


def find_default(files: Files, spec: HookSpec) -> tuple[RepoPath, Node] | None:
    """The definition of the hook's default function."""
    return files.find(
        lambda parsed: find_function(parsed, spec.default),
        spec.default.encode() + b"(",
        first=spec.default_file,
        scope=spec.scope,
    )


def single_call(function: Node) -> Node | None:
    """The call that is all a function does; None for any other body."""
    body = function.child_by_field_name("body")
    inside = statements(body)
    return _call_of(inside[0]) if len(inside) == 1 else None


def enclosing_statement(node: Node) -> Node:
    """The statement that `node` is part of, an expression statement or declaration."""
    for one in ancestors(node):
        if one.type in ("expression_statement", "declaration"):
            return one
    return node


def _only_call(branch: Node) -> Node | None:
    if branch.child_by_field_name("alternative") is not None:
        return None
    inside = statements(branch.child_by_field_name("consequence"))
    return _call_of(inside[0]) if len(inside) == 1 else None


def _call_of(statement: Node) -> Node | None:
    if statement.type != "expression_statement" or not statement.named_children:
        return None
    call = statement.named_children[0]
    return call if call.type == "call_expression" and callee(call) is not None else None


def _above(branch: Node) -> Iterator[tuple[str, str]]:
    """Pairs (greater, smaller) that the condition compares."""
    condition = branch.child_by_field_name("condition")
    for one in descend(condition) if condition is not None else ():
        parts = binary(one)
        if parts is None or parts[0] not in ("<", ">"):
            continue
        operator, left, right = parts
        if left.type == right.type == "identifier":
            names = name_of(left), name_of(right)
            yield names if operator == ">" else (names[1], names[0])
