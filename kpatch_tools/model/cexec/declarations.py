"""From declarations to types."""

import re
from collections.abc import Callable

from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import TYPEOF_PREFIX, parse_expression

from .errors import Unsupported
from .index import Ambiguous, Index, Typedef, is_damaged, text_of, without_comments
from .layout import Member, lay_out
from .scope import LocalType, Scope
from .types import (
    BUILTIN_NAMES,
    INT,
    LONG,
    UINT,
    ULONG,
    VOID,
    Array,
    CType,
    Function,
    IncompleteType,
    Integer,
    Layout,
    Pointer,
    Record,
    integer_from_words,
)

_ALIGNED = re.compile(r"aligned(?:__)?\b\s*(?:\((?P<value>.*)\))?")
_PACKED = re.compile(r"\b(?:__)?packed(?:__)?\b")
_CHANGES_TYPE = re.compile(r"\b(?:__)?(?:mode|vector_size)(?:__)?\b")
_TYPE_START = re.compile(
    r"^(?:(?:const|volatile)\s+)*"
    r"(?:(?P<keyword>struct|union|enum|unsigned|signed|long|short|int|char|void|_Bool)\b|(?P<name>\w+)[\s*]*$)"
)
_MAX_ALIGN = 16

ConstantEvaluator = Callable[[Node, Scope | None], int]
TypeEvaluator = Callable[[Node, Scope | None], CType]


class Declarations:
    """The types that `index`'s unit declares.

    `constant` evaluates an integer constant expression (Unsupported when it is none), `type_of` finds the type of an
    expression without evaluating it.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._records: dict[tuple[bool, str], Record] = {}
        self._nodes: dict[int, Record] = {}
        self._record_nodes: dict[Record, Node] = {}
        self._typedefs: dict[str, CType] = {}
        self._enumerators: dict[str, int] = {}
        self._enum_types: dict[int, Integer] = {}
        self._typedef_alignments: dict[str, int] = {}
        self._operands: dict[str, Node] = {}
        self.constant: ConstantEvaluator = _no_constant
        self.type_of: TypeEvaluator = _no_type

    # Types by name

    def record(self, tag: str, *, is_union: bool = False) -> Record:
        """`struct tag` or `union tag`; it may be incomplete."""
        key = (is_union, tag)
        known = self._records.get(key)
        if known is None:
            known = self._records[key] = Record(tag, is_union=is_union, source=self._lay_out)
            nodes = self.index.tags.get(key, [])
            if nodes and all(node.text == nodes[0].text for node in nodes):
                self._record_nodes[known] = nodes[0]
        return known

    def named(self, name: str, scope: Scope | None) -> CType | None:
        """The type that `name` means as a type name; None where it is none (or a variable hides it)."""
        if scope is not None:
            entity = scope.find(name)
            if isinstance(entity, LocalType):
                return entity.type
            if entity is not None:
                return None
        if name.startswith(TYPEOF_PREFIX):
            return self._typeof(name, scope)
        known = self._typedefs.get(name)
        if known is not None:
            return known
        typedef = self.index.typedefs.get(name)
        if typedef is None:
            return BUILTIN_NAMES.get(name)
        base = self.base(typedef.node, None)
        _, kind = self.declare(typedef.declarator, base, None)
        self._check_typedef(name, typedef)
        self._typedefs[name] = kind
        return kind

    def is_type_name(self, name: str, scope: Scope | None) -> bool:
        """Whether `name` is a type name here."""
        if scope is not None:
            entity = scope.find(name)
            if entity is not None:
                return isinstance(entity, LocalType)
        if name in self.index.typedefs or name.startswith(TYPEOF_PREFIX):
            return True
        return name in BUILTIN_NAMES and name not in self.index.variables

    def enumerator(self, name: str) -> int | None:
        """The value of an enumeration constant of the unit."""
        if name in self._enumerators:
            return self._enumerators[name]
        if name in self.index.several_enums:
            raise Ambiguous(f"{name} is a constant of several enums")
        # Iterative: an enum of thousands of constants would recurse as deep.
        pending: list[str] = []
        current: str | None = name
        value = -1
        while current is not None:
            if current in self._enumerators:
                value = self._enumerators[current]
                break
            known = self.index.enumerators.get(current)
            if known is None:
                return None
            if known.value is not None:
                value = self._enumerators[current] = self.constant(known.value, None)
                break
            pending.append(current)
            current = known.previous
        for constant in reversed(pending):
            value += 1
            self._enumerators[constant] = value
        return self._enumerators[name]

    # Types from nodes

    def base(self, node: Node, scope: Scope | None) -> CType:
        """The type that a declaration's specifiers name."""
        specifier = node.child_by_field_name("type")
        if specifier is None:
            raise self.unsupported(node, f"no type in '{text_of(node)[:60]}'")
        return self.specifier(specifier, scope)

    def specifier(self, node: Node, scope: Scope | None) -> CType:
        """The type of a type specifier or type descriptor."""
        kind = node.type
        if kind == "type_descriptor":
            base = self.base(node, scope)
            declarator = node.child_by_field_name("declarator")
            return base if declarator is None else self.declare(declarator, base, scope)[1]
        if kind in ("primitive_type", "type_identifier"):
            found = self.named(text_of(node), scope)
            if found is None:
                raise self.unsupported(node, f"unknown type '{text_of(node)}'")
            return found
        if kind == "sized_type_specifier":
            return self._sized(node, scope)
        if kind in ("struct_specifier", "union_specifier"):
            return self._record_of(node, scope)
        if kind == "enum_specifier":
            return self._enum_type(node)
        raise self.unsupported(node, f"type '{text_of(node)[:60]}'")

    def declare(self, declarator: Node | None, base: CType, scope: Scope | None) -> tuple[str | None, CType]:
        """The name (None for an abstract declarator) and type that `declarator` gives to `base`."""
        if declarator is None:
            return None, base
        kind = declarator.type
        if kind in ("identifier", "field_identifier", "type_identifier", "primitive_type"):
            return text_of(declarator), base
        inner = declarator.child_by_field_name("declarator")
        if kind in ("pointer_declarator", "abstract_pointer_declarator"):
            return self.declare(inner, Pointer(base), scope)
        if kind in ("array_declarator", "abstract_array_declarator"):
            size = declarator.child_by_field_name("size")
            length = None if size is None else self.constant(size, scope)
            return self.declare(inner, Array(base, length), scope)
        if kind in ("function_declarator", "abstract_function_declarator"):
            return self.declare(inner, self._function(declarator, base, scope), scope)
        if kind in ("parenthesized_declarator", "abstract_parenthesized_declarator", "attributed_declarator"):
            return self.declare(without_comments(declarator)[0], base, scope)
        if kind == "init_declarator":
            return self.declare(inner, base, scope)
        raise self.unsupported(declarator, f"declarator '{text_of(declarator)[:60]}'")

    def unsupported(self, node: Node, construct: str) -> Unsupported:
        return Unsupported(self.index.place(node), construct)

    def alignment(self, texts: tuple[str, ...]) -> int:
        """The greatest alignment, in bytes, that attribute texts ask for; 0 for none."""
        greatest = 0
        for text in texts:
            match = _ALIGNED.search(text)
            if match is None:
                continue
            if match["value"] is None:
                greatest = max(greatest, _MAX_ALIGN)
                continue
            # The attribute's own parentheses follow the value's.
            value = match["value"]
            while value.count("(") < value.count(")"):
                value = value[: value.rindex(")")]
            node = parse_expression(value)
            if node is None:
                raise Unsupported(None, f"alignment '{text}'")
            greatest = max(greatest, self.constant(node, None))
        return greatest

    def _function(self, declarator: Node, result: CType, scope: Scope | None) -> Function:
        parameters: list[tuple[str | None, CType]] = []
        variadic = False
        listed = declarator.child_by_field_name("parameters")
        children = without_comments(listed) if listed is not None else []
        for child in children:
            if child.type == "variadic_parameter":
                variadic = True
            elif child.type == "parameter_declaration":
                base = self.base(child, scope)
                name, kind = self.declare(child.child_by_field_name("declarator"), base, scope)
                if isinstance(kind, Array):
                    kind = Pointer(kind.of)
                if isinstance(kind, Function):
                    kind = Pointer(kind)
                parameters.append((name, kind))
            else:
                raise self.unsupported(child, f"parameter '{text_of(child)[:40]}'")
        if len(parameters) == 1 and parameters[0][1] is VOID:
            parameters = []
        return Function(result, tuple(parameters), variadic or not children)

    def _sized(self, node: Node, scope: Scope | None) -> CType:
        inner = node.child_by_field_name("type")
        if inner is not None and inner.type == "type_identifier":
            name = text_of(inner)
            if name != "__int128":
                # The grammar takes `unsigned T` for a sized type, which valid C has only for a misread declarator.
                raise self.unsupported(node, f"type '{text_of(node)}'")
        return integer_from_words(text_of(node).split())

    def _record_of(self, node: Node, scope: Scope | None) -> Record:
        is_union = node.type == "union_specifier"
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if body is None:
            tag = text_of(name) if name is not None else ""
            local = scope.find_tag((is_union, tag)) if scope is not None else None
            return local or self.record(tag, is_union=is_union)
        if name is not None and scope is None:
            known = self.record(text_of(name), is_union=is_union)
            self._record_nodes.setdefault(known, node)
            return known
        record = self._nodes.get(node.id)
        if record is None:
            tag = text_of(name) if name is not None else f"<unnamed at {':'.join(map(str, self.index.place(node)))}>"
            record = self._nodes[node.id] = Record(tag, is_union=is_union, source=self._lay_out)
            self._record_nodes[record] = node
        if name is not None and scope is not None:
            scope.tags[is_union, text_of(name)] = record
        return record

    def _enum_type(self, node: Node) -> CType:
        if node.child_by_field_name("body") is None:
            name = node.child_by_field_name("name")
            node = self.index.enum_tags.get(text_of(name), node) if name is not None else node
        known = self._enum_types.get(node.id)
        if known is None:
            body = node.child_by_field_name("body")
            attributes = self._own_attributes(node, body) if body is not None else ()
            if attributes:
                raise self.unsupported(node, f"enum with attribute '{attributes[0][:40]}'")
            names = [child.child_by_field_name("name") for child in body.named_children] if body is not None else []
            values = [self.enumerator(text_of(name)) or 0 for name in names if name is not None]
            least, most = min(values, default=0), max(values, default=0)
            kinds = (INT, LONG) if least < 0 else (UINT, ULONG)
            known = self._enum_types[node.id] = (
                kinds[0] if kinds[0].low <= least and most <= kinds[0].high else kinds[1]
            )
        return known

    def _typeof(self, name: str, scope: Scope | None) -> CType:
        operand = self.index.unit.typeof_operands[name]
        match = _TYPE_START.match(operand)
        if match is not None and (match["keyword"] or self.is_type_name(match["name"], scope)):
            node = self._operand_node(f"sizeof ( {operand} )")
            descriptor = node.child_by_field_name("type")
            if descriptor is not None:
                return self.specifier(descriptor, scope)
            found = self.named(match["name"], scope) if match["name"] else None
            if found is not None:
                return found
        return self.type_of(self._operand_node(operand), scope)

    def _operand_node(self, text: str) -> Node:
        node = self._operands.get(text) or parse_expression(text)
        if node is None:
            raise Unsupported(None, f"typeof operand '{text[:60]}'")
        self._operands[text] = node
        return node

    # Layout

    def _lay_out(self, record: Record) -> Layout:
        node = self._record_nodes.get(record)
        body = node.child_by_field_name("body") if node is not None else None
        if node is None or body is None:
            several = len(self.index.tags.get((record.is_union, record.tag), [])) > 1
            raise IncompleteType(f"{record} has {'different definitions' if several else 'no definition'}")
        attributes = self._own_attributes(node, body)
        packed = any(_PACKED.search(text) for text in attributes)
        members: list[Member] = []
        for child in without_comments(body):
            if child.type == "ERROR" and not is_damaged(child):
                continue
            if child.type != "field_declaration" or is_damaged(child):
                # A member that is not understood moves all that follow: no layout is better than a wrong one.
                raise IncompleteType(f"{record} has the unparsed member '{text_of(child)[:60]}'")
            members += self._members(child)
        return lay_out(members, is_union=record.is_union, packed=packed, align=self.alignment(attributes))

    def _own_attributes(self, node: Node, body: Node) -> tuple[str, ...]:
        """The attributes of a record or enum: in front of its body, and directly behind."""
        unit = self.index.unit
        after = body.end_byte
        while unit.text[after : after + 1].isspace():
            after += 1
        return unit.attributes(node.start_byte, body.start_byte + 1) + unit.attributes(body.end_byte, after + 1)

    def _check_typedef(self, name: str, typedef: Typedef) -> None:
        """Note an alignment that a typedef adds. Unsupported where it changes the type itself."""
        specifier = typedef.node.child_by_field_name("type")
        if specifier is None:
            return
        unit = self.index.unit
        behind = unit.attributes(specifier.end_byte, typedef.node.end_byte + 1)
        if specifier.type in ("struct_specifier", "union_specifier"):
            behind = self._member_attributes(specifier, behind)
        attributes = unit.attributes(typedef.node.start_byte, specifier.start_byte) + behind
        changed = next((text for text in attributes if _CHANGES_TYPE.search(text)), None)
        if changed is not None:
            raise self.unsupported(typedef.node, f"typedef with attribute '{changed[:40]}'")
        alignment = self.alignment(attributes)
        if alignment:
            self._typedef_alignments[name] = alignment

    def typedef_alignment(self, specifier: Node, kind: CType) -> int:
        """What the typedef that `specifier` names asks for `kind`, beyond the alignment that it has; else 0.

        IncompleteType where it asks for less.
        """
        if specifier.type not in ("type_identifier", "primitive_type"):
            return 0
        alignment = self._typedef_alignments.get(text_of(specifier), 0)
        if alignment and alignment < kind.align:
            raise IncompleteType(f"{text_of(specifier)} is aligned to less than {kind}")
        return alignment

    def _members(self, node: Node) -> list[Member]:
        base = self.base(node, None)
        specifier = node.child_by_field_name("type")
        after_type = specifier.end_byte if specifier is not None else node.start_byte
        attributes = self.index.unit.attributes(after_type, node.end_byte + 1)
        if specifier is not None and specifier.type in ("struct_specifier", "union_specifier"):
            # What directly follows a record's body belongs to the record, not to the member.
            attributes = self._member_attributes(specifier, attributes)
        align = self.alignment(attributes)
        packed = any(_PACKED.search(text) for text in attributes)
        declarators = node.children_by_field_name("declarator")
        widths = self._widths(node)
        if not declarators:
            return [Member(None, base, widths.get(None), align, packed)]
        members: list[Member] = []
        for declarator in declarators:
            width = widths.get(declarator.id)
            name, kind = self.declare(declarator, base, None)
            own = 0 if specifier is None or isinstance(kind, Pointer) else self.typedef_alignment(specifier, base)
            members.append(Member(name or None, kind, width, max(align, own), packed))
        return members

    def _member_attributes(self, specifier: Node, attributes: tuple[str, ...]) -> tuple[str, ...]:
        unit = self.index.unit
        after = specifier.end_byte
        while unit.text[after : after + 1].isspace():
            after += 1
        own = len(unit.attributes(specifier.end_byte, after + 1)) if specifier.child_by_field_name("body") else 0
        return attributes[own:]

    def _widths(self, node: Node) -> dict[int | None, int]:
        """Bit widths by the declarator's node id; None stands for an unnamed bit-field without a declarator."""
        widths: dict[int | None, int] = {}
        current: int | None = None
        for index, child in enumerate(node.children):
            if node.field_name_for_child(index) == "declarator":
                current = child.id
            elif child.type == "bitfield_clause":
                widths[current] = self.constant(without_comments(child)[0], None)
        return widths


def _no_constant(node: Node, scope: Scope | None) -> int:
    raise Unsupported(None, f"'{text_of(node)[:60]}' before an evaluator is there")


def _no_type(node: Node, scope: Scope | None) -> CType:
    raise Unsupported(None, f"'{text_of(node)[:60]}' before an evaluator is there")
