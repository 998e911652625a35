"""What a function takes and returns, as C spells it, in a form that can be compared."""

import re
from dataclasses import dataclass

from kpatch_tools.hooks.patches.description import Slot
from kpatch_tools.syntax import Node, declared_name, descend

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Signature:
    """Types without names; no parameters for `(void)`."""

    returns: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.returns} (*)({', '.join(self.parameters) or 'void'})"


def signature_of_slot(slot: Slot) -> Signature:
    """What a description says of its slot."""
    return Signature(_plain(slot.returns), tuple(_plain(one.type) for one in slot.parameters))


def signature_of(declaration: Node) -> Signature | None:
    """That of a function definition, a prototype or a member that points to a function; None for anything else."""
    type_, declarator = declaration.child_by_field_name("type"), declaration.child_by_field_name("declarator")
    stars = ""
    while declarator is not None and declarator.type == "pointer_declarator":
        stars += "*"
        declarator = declarator.child_by_field_name("declarator")
    if type_ is None or declarator is None or declarator.type != "function_declarator":
        return None
    listed = declarator.child_by_field_name("parameters")
    parameters = (
        tuple(_parameter(one) for one in listed.named_children if one.type == "parameter_declaration")
        if listed is not None
        else ()
    )
    return Signature(_plain(_text(type_) + stars), () if parameters == ("void",) else parameters)


def _parameter(declaration: Node) -> str:
    """The declaration without the name it gives."""
    text, name = _text(declaration), declared_name(declaration.child_by_field_name("declarator"))
    if name is None:
        return _plain(text)
    start = name.start_byte - declaration.start_byte
    raw = declaration.text or b""
    return _plain((raw[:start] + raw[start + len(name.text or b"") :]).decode("utf-8", "replace"))


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().replace(" *", "*")


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def is_empty(definition: Node) -> bool:
    """Whether a function does nothing: no statement, comments aside."""
    body = definition.child_by_field_name("body")
    return body is not None and not any(one.type != "comment" for one in descend(body) if one != body)
