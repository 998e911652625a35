"""How a file writes the head of an init function: `static __init void f` or `static void __init f`."""

from dataclasses import dataclass

from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, ParsedFile, declared_name

INIT = "__init"


@dataclass(frozen=True, slots=True)
class Convention:
    """`before_type`: the annotation stands before the return type. `read_at`: None where nothing was there to read."""

    before_type: bool = False
    read_at: Location | None = None

    def head(self, returns: str, *, static: bool, init: bool = True, section: str = INIT) -> str:
        """What stands before the function's name; `section` is its annotation, if it is to have one.

        >>> Convention(before_type=True).head("void", static=True), Convention().head("void", static=False)
        ('static __init void', 'void __init')
        """
        words = [returns]
        if init and section:
            words.insert(0 if self.before_type else 1, section)
        if static:
            words.insert(0, "static")
        return " ".join(words)


def convention_of(parsed: ParsedFile, definition: Node, where: Location) -> Convention:
    """The convention of one definition; the usual one (type first) if it is not an init function."""
    name = declared_name(definition.child_by_field_name("declarator"))
    type_ = definition.child_by_field_name("type")
    if name is None or type_ is None:
        return Convention()
    line = parsed.source.rfind(b"\n", 0, definition.start_byte) + 1
    words = parsed.source[line : name.start_byte].split()
    if INIT.encode() not in words:
        return Convention(read_at=where)
    return Convention(INIT.encode() in parsed.source[line : type_.start_byte].split(), where)


def sections_of(parsed: ParsedFile, definition: Node) -> tuple[str, ...]:
    """The section annotations in a definition's head, such as `__init` or `__init_memblock`."""
    body = definition.child_by_field_name("body")
    line = parsed.source.rfind(b"\n", 0, definition.start_byte) + 1
    end = body.start_byte if body is not None else definition.end_byte
    return tuple(
        one.name
        for one in parsed.annotations
        if line <= one.span.start < end
        and one.name.startswith(("__init", "__meminit", "__cpuinit", "__devinit", "__ref"))
    )
