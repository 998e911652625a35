"""Macros of the file itself that put something into a member that they are given.

    #define override(slot, saved, own) do { saved = slot; slot = own; } while (0)

makes `override(fe->ops.init, fe->init, my_init)` an assignment of `my_init`, which no `=` in the function shows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kpatch_tools.syntax import Directive

from .spelling import decode, one_line

_HEAD = re.compile(rb"(\w+)\(([\w\s,]+)\)")
_PUT = re.compile(rb"(?<![\w.>#(])\(?(\w+)\)?\s*=(?!=)\s*([^;={}\"]+?)\s*;")
_CAST = re.compile(rb"\(\s*(?:const\s+|struct\s+)*\w+\s*\*+\s*\)\s*")
_NAME = re.compile(rb"&?\s*([A-Za-z_]\w*)\Z")


@dataclass(frozen=True, slots=True)
class Put:
    """The macro assigns `value`, an expression of its body, to its parameter number `into` (from 0).

    `from_parameter`: the parameter that the value is, if it is one, else None. `conditional`: not each time.
    """

    into: int
    value: bytes
    from_parameter: int | None
    conditional: bool

    def text(self, arguments: tuple[bytes, ...]) -> str | None:
        """What is assigned where the macro is called so; None where that cannot be a function."""
        if self.from_parameter is None:
            given = self.value
        elif self.from_parameter < len(arguments):
            given = arguments[self.from_parameter]
        else:
            return None
        plain = _CAST.sub(b"", given.strip(), count=1)
        name = _NAME.match(plain)
        if name is not None:
            word = decode(name.group(1))
            return word if word == "NULL" or not word.isupper() else None
        return one_line(plain) if plain != given.strip() else None


def read_fillers(directives: Iterable[Directive]) -> dict[str, tuple[Put, ...]]:
    """By the macro's name; of several definitions, as conditionals make them, the first with any."""
    found: dict[str, tuple[Put, ...]] = {}
    for directive in directives:
        if directive.name != "define" or b"=" not in directive.text:
            continue
        argument = directive.argument
        head = _HEAD.match(argument)
        if head is not None and (puts := tuple(_puts(head, argument[head.end() :]))):
            found.setdefault(decode(head.group(1)), puts)
    return found


def _puts(head: re.Match[bytes], body: bytes) -> Iterable[Put]:
    parameters = [word.strip() for word in head.group(2).split(b",")]
    for match in _PUT.finditer(body):
        target, value = match.groups()
        source = _CAST.sub(b"", value, count=1).strip(b"()& ")
        if target in parameters and not _is_local(source, body):
            number = parameters.index(source) if source in parameters else None
            yield Put(parameters.index(target), value, number, b"if" in body[: match.start()].split())


def _is_local(name: bytes, body: bytes) -> bool:
    """Whether the macro's body declares the name for itself."""
    return re.search(rb"\w[\s*]+%b\s*[=;,]" % re.escape(name), body) is not None
