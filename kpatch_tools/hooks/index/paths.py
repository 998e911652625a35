"""What an expression that ends in a member begins with, and the members on the way."""

import re
from dataclasses import dataclass

from kpatch_tools.syntax import Node, ParsedFile

from .facts import Root
from .spelling import decode, type_name

_PLAIN = re.compile(rb"([A-Za-z_]\w*)((?:(?:->|\.)[A-Za-z_]\w*)*)\Z")
SAME_OBJECT = frozenset(
    {
        *("ACCESS_ONCE", "READ_ONCE", "rcu_dereference", "rcu_dereference_raw", "rcu_dereference_protected"),
        *("per_cpu", "per_cpu_ptr", "__get_cpu_var", "get_cpu_var", "__raw_get_cpu_var", "this_cpu_ptr", "likely"),
        *("__this_cpu_ptr", "raw_cpu_ptr", "unlikely"),
    }
)
"""Functions and macros whose result stands for (a processor's copy of) their first argument."""


@dataclass(frozen=True, slots=True)
class Path:
    """`root`: the name at the beginning; `type`: what the last cast on the way says; `chain`: the members from there.

    `result`: it begins with a function's result, or with something that has no name.
    """

    root: str
    type: str
    chain: str
    result: bool = False


def read_path(node: Node, parsed: ParsedFile) -> Path:
    """The path of an expression; one without members has an empty chain."""
    plain = _PLAIN.match(parsed.masked, node.start_byte, node.end_byte)
    if plain is not None:
        chain = plain.group(2)
        if chain:
            chain = chain.replace(b"->", b".")[1:]
        return Path(decode(plain.group(1)), "", decode(chain))
    members: list[str] = []
    spelled = ""
    while True:
        match node.type:
            case "identifier":
                return Path(decode(parsed.masked[node.start_byte : node.end_byte]), spelled, _chain(members))
            case "field_expression":
                field = node.child_by_field_name("field")
                if field is not None and not spelled:
                    members.append(decode(parsed.masked[field.start_byte : field.end_byte]))
                inner = node.child_by_field_name("argument")
            case "subscript_expression" | "pointer_expression":
                inner = node.child_by_field_name("argument")
            case "parenthesized_expression":
                inner = next((child for child in node.named_children if child.type != "comment"), None)
            case "comma_expression":
                inner = node.child_by_field_name("right")
            case "assignment_expression":
                inner = node.child_by_field_name("left")
            case "cast_expression":
                spelled = spelled or _cast_type(node, parsed)
                inner = node.child_by_field_name("value")
                if spelled and inner is not None and not _is_name(inner):
                    below = read_path(inner, parsed)
                    return Path(below.root, spelled, _chain(members), result=True)
            case "call_expression":
                function = node.child_by_field_name("function")
                if function is None or function.type != "identifier":
                    return Path("", spelled, _chain(members), result=True)
                name = decode(parsed.masked[function.start_byte : function.end_byte])
                arguments = node.child_by_field_name("arguments")
                passed = [child for child in arguments.named_children if child.type != "comment"] if arguments else []
                if name not in SAME_OBJECT or not passed:
                    return Path(name, spelled, _chain(members), result=True)
                inner = passed[0]
            case _:
                return Path("", spelled, _chain(members), result=True)
        if inner is None:
            return Path("", spelled, _chain(members), result=True)
        node = inner


def _chain(members: list[str]) -> str:
    return ".".join(reversed(members))


def _is_name(node: Node) -> bool:
    """Whether a cast's operand has no member of its own (or may be looked through)."""
    while node.type in ("parenthesized_expression", "pointer_expression", "cast_expression"):
        inner = node.child_by_field_name("value") or node.child_by_field_name("argument")
        inner = inner or next(iter(node.named_children), None)
        if inner is None:
            return False
        node = inner
    return node.type == "identifier"


def _cast_type(cast: Node, parsed: ParsedFile) -> str:
    descriptor = cast.child_by_field_name("type")
    kind = descriptor.child_by_field_name("type") if descriptor is not None else None
    return type_name(kind, parsed) if kind is not None else ""


def root_kind(path: Path, *, local: bool) -> Root:
    if path.result:
        return Root.RESULT
    return Root.LOCAL if local else Root.GLOBAL
