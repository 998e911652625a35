"""Initialisers: which value goes where, and the code or the bytes that put it there."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node

from .arithmetic import TypeMismatch, convert
from .index import text_of, without_comments
from .literals import string_bytes
from .types import INT, Array, CType, Field, Integer, Record, scalar_of
from .values import Bits, Memory, Operand, Value, constant

if TYPE_CHECKING:
    from .translator import Translator

_STRINGS = ("string_literal", "concatenated_string")


@dataclass(frozen=True, slots=True)
class Element:
    """`node` initialises the `field` (whose offset counts from the start of the whole object).

    An empty `{}` is an element of its own: it counts as one of an array, and sets to zero what came before.
    """

    field: Field
    node: Node


@dataclass(slots=True)
class _Items:
    """The entries of an initialiser list that are not used up yet."""

    nodes: Sequence[Node]
    at: int = 0

    def peek(self) -> Node | None:
        return self.nodes[self.at] if self.at < len(self.nodes) else None

    def plain(self) -> Node | None:
        """The next entry if it has no designator."""
        node = self.peek()
        return None if node is None or node.type == "initializer_pair" else node


class Initialisers:
    """Initialisers of one function, or of one object of static duration."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context

    # Uses

    def complete(self, kind: CType, node: Node | None) -> CType:
        """`kind`, an array's length taken from its initialiser where the declaration left it out."""
        if not isinstance(kind, Array) or kind.length is not None or node is None:
            return kind
        if node.type in _STRINGS:
            return Array(kind.of, len(string_bytes(text_of(node))) + 1)
        elements = [element for element in self.elements(kind, node) if element.node.id != node.id]
        size = max(kind.of.size, 1)
        ends = [element.field.offset // size + 1 for element in elements]
        for element in elements:
            if element.node.type in _STRINGS and element.field.type is kind:
                return Array(kind.of, len(string_bytes(text_of(element.node))) + 1)
        return Array(kind.of, max(ends, default=0))

    def value(self, kind: CType, node: Node) -> Value:
        """The initial value of a variable that is one scalar."""
        if node.type != "initializer_list":
            return convert(self.translator.expressions.value(node), kind)
        last = self.elements(kind, node)[-1].node
        if last.type == "initializer_list":
            return convert(constant(0, INT), kind)
        return convert(self.translator.expressions.value(last), kind)

    def store(self, place: Memory, node: Node) -> None:
        """Emit the initialisation of an object in memory."""
        access, expressions = self.translator.access, self.translator.expressions
        if node.type in _STRINGS and isinstance(place.type, Array):
            self._store_string(place, node)
            return
        if node.type != "initializer_list":
            access.store(place, expressions.value(node))
            return
        self.context.emitter.emit(f"putb({place.address.code},bytes({place.type.size}))")
        for element in self.elements(place.type, node):
            if element.node.id == node.id:
                continue
            target = _target(place, element.field)
            if element.node.type == "initializer_list":
                self._clear(target)
            elif isinstance(target, Memory) and isinstance(target.type, Array):
                self._store_string(target, element.node)
            else:
                access.store(target, expressions.value(element.node))

    def content(self, kind: CType, node: Node) -> bytes:
        """The bytes of an object of static duration."""
        if node.type in _STRINGS and isinstance(kind, Array):
            return string_bytes(text_of(node))[: kind.size].ljust(kind.size, b"\0")
        if node.type != "initializer_list":
            whole = Field("", 0, kind)
            data = bytearray(kind.size)
            self._put(data, Element(whole, node))
            return bytes(data)
        data = bytearray(kind.size)
        for element in self.elements(kind, node):
            self._put(data, element)
        return bytes(data)

    def compound_literal(self, kind: CType, node: Node) -> Operand:
        kind = self.complete(kind, node)
        if scalar_of(kind) is not None:
            return self.value(kind, node)
        if self.context.name is None:
            return self.context.symbols.static_object(kind, node, self.context.file, None)
        place = self.context.slot(kind)
        self.store(place, node)
        return place

    # Where each value goes

    def elements(self, kind: CType, node: Node) -> list[Element]:
        """The scalars, strings and whole records that `node` initialises, in the order of writing."""
        return list(self._braced(Field("", 0, kind), node))

    def _braced(self, field: Field, node: Node) -> Iterator[Element]:
        items = _Items(without_comments(node))
        kind = field.type
        if not items.nodes:
            yield Element(field, node)
            return
        if not isinstance(kind, Array | Record):
            first = items.peek()
            if first is not None:
                yield from self._braced(field, first) if first.type == "initializer_list" else (Element(field, first),)
            return
        first = items.plain()
        if first is not None and first.type in _STRINGS and isinstance(kind, Array) and _is_character(kind.of):
            yield Element(field, first)
            return
        position = 0
        while (item := items.peek()) is not None:
            if item.type == "initializer_pair":
                items.at += 1
                position = yield from self._designated(field, item, items)
                continue
            part = _part(field, position)
            if part is None:
                raise self.context.unsupported(item, "more initialisers than members")
            yield from self._one(part, items)
            position += 1

    def _one(self, field: Field, items: _Items) -> Iterator[Element]:
        """Initialise `field` from the next entry, or, where inner braces are left out, from the next entries."""
        node = items.plain()
        if node is None:
            return
        kind = field.type
        if node.type == "initializer_list":
            items.at += 1
            yield from self._braced(field, node)
        elif isinstance(kind, Array) and node.type in _STRINGS and _is_character(kind.of):
            items.at += 1
            yield Element(field, node)
        elif isinstance(kind, Array) or (isinstance(kind, Record) and not self._is_record(node, kind)):
            yield from self._unbraced(field, items, 0)
        else:
            items.at += 1
            yield Element(field, node)

    def _unbraced(self, field: Field, items: _Items, position: int) -> Iterator[Element]:
        while items.plain() is not None:
            part = _part(field, position)
            if part is None:
                return
            yield from self._one(part, items)
            position += 1

    def _designated(self, field: Field, pair: Node, items: _Items) -> Generator[Element, None, int]:
        """`[2].x = value` and what follows it without a designator; returns the position after it."""
        designators = pair.children_by_field_name("designator")
        value = pair.child_by_field_name("value")
        if value is None or not designators:
            raise self.context.unsupported(pair, f"initialiser '{text_of(pair)[:60]}'")
        first, last = self._positions(field, designators[0])
        for position in range(first, last + 1):
            part = self._designated_part(field, designators[0], position)
            path = [(field, position)]
            for designator in designators[1:]:
                inner, _ = self._positions(part, designator)
                path.append((part, inner))
                part = self._designated_part(part, designator, inner)
            yield from self._one(part, _Items([value]))
        for parent, position in reversed(path[1:]):
            yield from self._unbraced(parent, items, position + 1)
        return last + 1

    def _positions(self, field: Field, designator: Node) -> tuple[int, int]:
        """The first and the last position among the parts of `field` that a designator names."""
        kind = field.type
        if designator.type == "subscript_range_designator":
            start, end = designator.child_by_field_name("start"), designator.child_by_field_name("end")
            if start is not None and end is not None:
                return self.translator.expressions.constant(start), self.translator.expressions.constant(end)
        if designator.type == "subscript_designator":
            position = self.translator.expressions.constant(without_comments(designator)[0])
            return position, position
        name = _designated_name(designator)
        if not isinstance(kind, Record) or name not in kind.layout.fields:
            raise self.context.unsupported(designator, f"{kind} has no member '{name}'")
        found = kind.layout.fields[name]
        for position, member in enumerate(kind.layout.members):
            if member.name == name or (not member.name and _contains(member, name)):
                return position, position
        return found.offset, found.offset

    def _designated_part(self, field: Field, designator: Node, position: int) -> Field:
        if isinstance(field.type, Record):
            part = field.type.layout.fields[_designated_name(designator)]
            return _moved(part, field.offset)
        found = _part(field, position)
        if found is None:
            raise self.context.unsupported(designator, f"no element {position} in {field.type}")
        return found

    def _is_record(self, node: Node, kind: Record) -> bool:
        return self.translator.expressions.type_of(node) == kind

    # Bytes and stores

    def _put(self, data: bytearray, element: Element) -> None:
        field, node = element.field, element.node
        kind = field.type
        empty = node.type == "initializer_list"
        if empty and field.width is None:
            _extend(data, field.offset, bytes(kind.size))
            return
        if isinstance(kind, Array):
            content = string_bytes(text_of(node))
            if kind.length is not None:
                content = content[: kind.size].ljust(kind.size, b"\0")
            _extend(data, field.offset, content)
            return
        scalar = scalar_of(kind)
        if scalar is None:
            literal = node
            while literal.type == "parenthesized_expression":
                literal = without_comments(literal)[0]
            inner = literal.child_by_field_name("value")
            if literal.type != "compound_literal_expression" or inner is None:
                raise self.context.unsupported(node, f"'{text_of(node)[:60]}' is not constant")
            _extend(data, field.offset, self.content(kind, inner))
            return
        value = constant(0, INT) if empty else convert(self.translator.expressions.value(node), kind)
        if value.const is None:
            raise self.context.unsupported(node, f"'{text_of(node)[:60]}' is not constant")
        known = value.const
        if field.width is not None:
            mask = (1 << field.width) - 1
            end = field.offset + scalar.size
            _extend(data, field.offset, b"")
            data.extend(bytes(max(0, end - len(data))))
            old = int.from_bytes(data[field.offset : end], "little")
            known = old & ~(mask << field.shift) | (known & mask) << field.shift
        size = 8 * scalar.size
        _extend(data, field.offset, (known & ((1 << size) - 1)).to_bytes(scalar.size, "little"))

    def _clear(self, target: Memory | Bits) -> None:
        if isinstance(target, Bits) or scalar_of(target.type) is not None:
            self.translator.access.store(target, constant(0, INT))
        else:
            self.context.emitter.emit(f"putb({target.address.code},bytes({target.type.size}))")

    def _store_string(self, place: Memory, node: Node) -> None:
        content = string_bytes(text_of(node))
        length = (
            place.type.size if isinstance(place.type, Array) and place.type.length is not None else len(content) + 1
        )
        content = content[:length].ljust(length, b"\0")
        self.context.emitter.emit(f"putb({place.address.code},{content!r})")


def _target(place: Memory, field: Field) -> Memory | Bits:
    address = place.address.plus(field.offset)
    if field.width is not None and isinstance(field.type, Integer):
        return Bits(field.type, address, field.shift, field.width)
    return Memory(field.type, address)


def _part(field: Field, position: int) -> Field | None:
    """The sub-object at `position` that positional initialisation of `field` reaches; None beyond the last."""
    kind = field.type
    if isinstance(kind, Array):
        if position < 0 or (kind.length is not None and position >= kind.length):
            return None
        return Field("", field.offset + position * kind.of.size, kind.of)
    if not isinstance(kind, Record):
        raise TypeMismatch(f"a list of values for {kind}")
    members = kind.layout.members
    if position >= (min(len(members), 1) if kind.is_union else len(members)):
        return None
    return _moved(members[position], field.offset)


def _moved(field: Field, offset: int) -> Field:
    return Field(field.name, field.offset + offset, field.type, field.shift, field.width)


def _contains(member: Field, name: str) -> bool:
    return isinstance(member.type, Record) and name in member.type.layout.fields


def _designated_name(designator: Node) -> str:
    # GNU's old `name: value` has the bare name.
    inner = without_comments(designator)
    return text_of(inner[0] if inner else designator)


def _is_character(kind: CType) -> bool:
    return isinstance(kind, Integer) and kind.size == 1


def _extend(data: bytearray, offset: int, content: bytes) -> None:
    """Write, making room behind the end: a flexible array's initialiser lies there."""
    end = offset + len(content)
    if end > len(data):
        data.extend(bytes(end - len(data)))
    data[offset:end] = content
