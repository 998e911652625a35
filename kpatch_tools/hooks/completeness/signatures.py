"""Signatures as types, and whether two of them clearly differ.

Only what the text says counts: a type whose size or kind is not known is like any other.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kpatch_tools.hooks.index.facts import Typedef

FindTypedef = Callable[[str], Typedef | None]
"""The typedef of a name as the file sees it; None where it is not known, or may be several."""

_QUALIFIER = re.compile(r"\b(?:const|volatile|register|restrict|__restrict|__user|__iomem|__force|__rcu|inline)\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_BUILTIN = frozenset({"void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "bool"})
_TAGGED = frozenset({"struct", "union", "enum"})
_FUNCTION = "(function)"
_VARIADIC = "..."
_LONGEST = 8
_BITS = {
    **dict.fromkeys(("u8", "s8", "__u8", "__s8", "uint8_t", "int8_t", "u_char", "char"), "8 bits"),
    **dict.fromkeys(("u16", "s16", "__u16", "__s16", "uint16_t", "int16_t", "__le16", "__be16", "short"), "16 bits"),
    **dict.fromkeys(("u32", "s32", "__u32", "__s32", "uint32_t", "int32_t", "__le32", "__be32", "int"), "32 bits"),
    **dict.fromkeys(("u64", "s64", "__u64", "__s64", "uint64_t", "int64_t", "__le64", "__be64", "loff_t"), "64 bits"),
    "long long": "64 bits",
}


@dataclass(frozen=True, slots=True)
class CType:
    """`base`: "struct x", "void", "(function)", a number's type; "" where it is not known. `pointers`: how many."""

    base: str
    pointers: int

    def __str__(self) -> str:
        return f"{self.base or '?'} {'*' * self.pointers}".rstrip()


@dataclass(frozen=True, slots=True)
class Signature:
    """`parameters`: None where the declaration does not say, as `int f()` does not."""

    returns: CType
    parameters: tuple[CType, ...] | None


def read_signature(text: str, name: str, typedef: FindTypedef) -> Signature | None:
    """The signature of `name`, a function or a pointer to one, declared by `text`; None where it is not plain.

    >>> read_signature("void (*setup)(struct irq *i)", "setup", lambda _: None)
    Signature(returns=CType(base='void', pointers=0), parameters=(CType(base='struct irq', pointers=1),))
    """
    head = re.search(rf"(\(\s*\*\s*)?\b{re.escape(name)}(?:\[\w*\])?(?(1)\))\s*\(", text)
    if head is None or "#" in text:
        return None
    listed, rest = _balanced(text[head.end() :])
    before = _QUALIFIER.sub(" ", text[: head.start()])
    if rest.strip(" ;") or "(" in before:
        return None
    parameters = _parameters(listed, typedef)
    if parameters is None:
        return None
    return Signature(_resolved(_returned(before), typedef), parameters if listed.strip() else None)


def differences(slot: Signature, function: Signature, *, cast: bool = False) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What clearly differs, each in a few words, and the structs that are told apart by name alone.

    Nothing where the two agree or might. `cast`: behind one, a pointer and a long are meant to be the same.
    """
    if slot.parameters is not None and function.parameters is not None:
        if _VARIADIC not in {one.base for one in (*slot.parameters, *function.parameters)} and (
            len(slot.parameters) != len(function.parameters)
        ):
            yield f"{_count(len(function.parameters))}, the slot has {len(slot.parameters)}", ()
            return
        for number, (wanted, given) in enumerate(zip(slot.parameters, function.parameters, strict=False), 1):
            if _differ(wanted, given, cast=cast):
                yield f"parameter {number} is {given}, the slot's is {wanted}", _tags(wanted, given)
    if _differ(slot.returns, function.returns, cast=cast):
        yield f"returns {function.returns}, the slot {slot.returns}", _tags(slot.returns, function.returns)


def _tags(one: CType, other: CType) -> tuple[str, ...]:
    return tuple(item.base for item in (one, other) if _is_record(item.base))


def drops_result(slot: Signature, function: Signature) -> bool:
    """Whether the only wrong is that the function returns something and the slot nothing: no caller can notice."""
    return slot.returns == CType("void", 0) != function.returns and not any(
        "returns" not in one for one, _ in differences(slot, function)
    )


def _count(number: int) -> str:
    return f"{number} parameter" if number == 1 else f"{number} parameters"


def _differ(one: CType, other: CType, *, cast: bool) -> bool:
    if not one.base or not other.base or _VARIADIC in (one.base, other.base):
        return False
    if cast and any(item.pointers for item in (one, other)) and CType("long", 0) in (one, other):
        return False
    if one.pointers != other.pointers:
        # A pointer to anything takes a pointer to a pointer.
        return not (one.pointers and other.pointers and CType("void", 1) in (one, other))
    if one.base == other.base:
        return False
    if one.pointers:
        return one.base[:6] == other.base[:6] == "struct" or (one.pointers == 1 and _is_mixed(one.base, other.base))
    if "void" in (one.base, other.base):
        return True
    if _is_record(one.base) or _is_record(other.base):
        return True
    bits, others = _BITS.get(one.base), _BITS.get(other.base)
    return bits is not None and others is not None and bits != others


def _is_mixed(one: str, other: str) -> bool:
    """Whether one is a record and the other a number of known size: what they point to has nothing in common."""
    return (one[:6] == "struct" and other in _BITS) or (other[:6] == "struct" and one in _BITS)


def _is_record(base: str) -> bool:
    return base.startswith(("struct ", "union "))


def _balanced(text: str) -> tuple[str, str]:
    """What stands before the parenthesis that closes, and what after it."""
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[:place], text[place + 1 :]
    return text, "("


def _parameters(listed: str, typedef: FindTypedef) -> tuple[CType, ...] | None:
    """None where a macro may stand for several of them."""
    if listed.strip() in ("", "void"):
        return ()
    found = []
    for part in _split(listed):
        one = _parameter(_QUALIFIER.sub(" ", part))
        if one is None:
            return None
        if one.base in _BUILTIN or " " in one.base or one.base in (_FUNCTION, _VARIADIC) or one.base in _BITS:
            found.append(_resolved(one, typedef))
            continue
        known = typedef(one.base)
        if known is None and len(_WORD.findall(part)) == 1 and "*" not in part:
            return None
        found.append(_resolved(one, typedef))
    return tuple(found)


def _split(listed: str) -> Iterator[str]:
    depth, start = 0, 0
    for place, character in enumerate(listed):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield listed[start:place]
            start = place + 1
    yield listed[start:]


def _parameter(text: str) -> CType | None:
    if text.strip() == _VARIADIC:
        return CType(_VARIADIC, 0)
    if "(" in text:
        return CType(_FUNCTION, 1) if re.search(r"\(\s*\*?\s*\w*\s*\)\s*\(", text) else CType("", 0)
    pointers = text.count("*") + text.count("[")
    words = _WORD.findall(text.partition("[")[0])
    if not words:
        return None
    if words[0] in _TAGGED:
        return CType(" ".join(words[:2]), pointers) if len(words) > 1 else None
    if any(word in _BUILTIN for word in words):
        return CType(_number(words), pointers)
    return CType(words[0], pointers) if len(words) <= 2 else CType("", pointers)


def _returned(before: str) -> CType:
    words = _WORD.findall(before)
    pointers = before.count("*")
    if len(words) > 1 and words[-2] in _TAGGED:
        return CType(" ".join(words[-2:]), pointers)
    if not words:
        return CType("", pointers)
    if words[-1] in _BUILTIN:
        return CType(_number(words), pointers)
    return CType(words[-1], pointers)


def _number(words: list[str]) -> str:
    """A number's type without its sign, which no caller and no compiler stumbles over."""
    kinds = [word for word in words if word in _BUILTIN]
    if "long" in kinds:
        return "long long" if kinds.count("long") == 2 else "long"
    return next((kind for kind in kinds if kind not in ("signed", "unsigned", "int")), "int")


def _resolved(one: CType, typedef: FindTypedef) -> CType:
    """With typedefs replaced by what they stand for; "" where that is not known."""
    for _ in range(_LONGEST):
        if one.base in _BUILTIN or one.base in _BITS or one.base in (_FUNCTION, _VARIADIC, ""):
            return one
        if " " in one.base:
            return CType("int", one.pointers) if one.base.startswith("enum ") else one
        known = typedef(one.base)
        if known is None or not (known.type or known.signature):
            return CType("", one.pointers)
        if known.signature:
            return CType(_FUNCTION, max(one.pointers, 1))
        one = CType(known.type, one.pointers + known.pointer)
    return CType("", one.pointers)
