"""Facts as text for the index, and the names under which a file is found again."""

import json
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from .facts import (
    Assignment,
    Call,
    Facts,
    Fill,
    Function,
    MacroUse,
    Member,
    MemberKind,
    Record,
    Root,
    Storage,
    Typedef,
    Unread,
    Variable,
)
from .words import names_in


class Kind(IntEnum):
    """One kind of facts: each file has one part for each kind that it has any facts of."""

    RECORD = 1
    TYPEDEF = 2
    VARIABLE = 3
    CALL = 4
    ASSIGNMENT = 5
    FUNCTION = 6
    MACRO = 7
    UNREAD = 8


class Question(IntEnum):
    """What a name is looked up for."""

    RECORD_TYPE = 1
    RECORD_WITH_SLOT = 2
    MEMBER_TYPE = 3
    TYPEDEF_NAME = 4
    VARIABLE_TYPE = 5
    VARIABLE_NAME = 6
    FILL_VALUE = 7
    CALLED_MEMBER = 8
    ASSIGNED_MEMBER = 9
    ASSIGNED_VALUE = 10
    FUNCTION_NAME = 11
    MACRO_MEMBER = 12
    MACRO_NAME = 13


Part = tuple[int, str]
"""A kind, and the facts of that kind as JSON."""

Keys = tuple[int, list[str]]
"""A question, and the names that the file has an answer for."""

_MEMBER_KINDS = {str(kind): kind for kind in MemberKind}
_STORAGES = {str(storage): storage for storage in Storage}
_ROOTS = {str(root): root for root in Root}


_FIELDS = {
    Kind.RECORD: "records",
    Kind.TYPEDEF: "typedefs",
    Kind.VARIABLE: "variables",
    Kind.CALL: "calls",
    Kind.ASSIGNMENT: "assignments",
    Kind.FUNCTION: "functions",
    Kind.MACRO: "macros",
    Kind.UNREAD: "unread",
}


def facts_of(facts: Facts, kind: Kind) -> tuple[object, ...]:
    """Those of one kind."""
    found: tuple[object, ...] = getattr(facts, _FIELDS[kind])
    return found


def encode(facts: Facts) -> list[Part]:
    """The parts of one file's facts, without those that are empty."""
    return [(int(kind), _dump(rows)) for kind in Kind if (rows := facts_of(facts, kind))]


_dump = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def decode(kind: int, text: str) -> tuple[Any, ...]:
    """The facts of one part."""
    make = _MAKERS[kind]
    return tuple(make(row) for row in json.loads(text))


_NAMED_BY = {
    Question.RECORD_TYPE: 0,
    Question.TYPEDEF_NAME: 0,
    Question.VARIABLE_TYPE: 1,
    Question.VARIABLE_NAME: 0,
    Question.CALLED_MEMBER: 3,
    Question.ASSIGNED_MEMBER: 3,
    Question.FUNCTION_NAME: 0,
}
"""Where in a row the name stands that it is found by; of a chain of members, the last one counts."""


def decode_some(kind: int, text: str, question: Question | None, names: frozenset[str]) -> tuple[Any, ...]:
    """The facts of one part that answer `question` for one of `names`, and perhaps others: most are never made."""
    make = _MAKERS[kind]
    rows = json.loads(text)
    if kind == Kind.UNREAD and names:
        return tuple(make(row) for row in rows if not names.isdisjoint(row[3]))
    if question is Question.MEMBER_TYPE:
        return tuple(make(row) for row in rows if any(member[2] in names for member in row[1]))
    if question is Question.RECORD_WITH_SLOT:
        return tuple(make(row) for row in rows if any(member[1] == MemberKind.SLOT for member in row[1]))
    place = _NAMED_BY.get(question) if question is not None else None
    if place is None:
        return tuple(make(row) for row in rows)
    return tuple(make(row) for row in rows if row[place].rpartition(".")[2] in names)


def assemble(size: int, unread_bytes: int, parts: Mapping[int, str]) -> Facts:
    """One file's facts from its parts."""

    def all_of(kind: Kind) -> tuple[Any, ...]:
        return decode(kind, parts[kind]) if kind in parts else ()

    return Facts(
        size,
        unread_bytes,
        *(all_of(Kind.RECORD), all_of(Kind.TYPEDEF), all_of(Kind.VARIABLE), all_of(Kind.CALL)),
        *(all_of(Kind.ASSIGNMENT), all_of(Kind.FUNCTION), all_of(Kind.MACRO), all_of(Kind.UNREAD)),
    )


def _record(row: Any) -> Record:
    members = tuple(
        Member(path, _MEMBER_KINDS[kind], type_name, signature, array, line)
        for path, kind, type_name, signature, array, line in row[1]
    )
    return Record(row[0], members, row[2])


def _variable(row: Any) -> Variable:
    name, type_name, storage, pointer, array, target, fills, annotation, function, line = row
    return Variable(
        *(name, type_name, _STORAGES[storage], pointer, array, target),
        *(tuple(Fill(*fill) for fill in fills), annotation, function, line),
    )


def _call(row: Any) -> Call:
    root, kind, *rest = row
    return Call(root, _ROOTS[kind], *rest)


def _assignment(row: Any) -> Assignment:
    root, kind, *rest = row
    return Assignment(root, _ROOTS[kind], *rest)


def _macro(row: Any) -> MacroUse:
    name, parameters, roots, body, line = row
    return MacroUse(name, None if parameters is None else tuple(parameters), tuple(roots), body, line)


_MAKERS: dict[int, Callable[[Any], Any]] = {
    Kind.RECORD: _record,
    Kind.TYPEDEF: lambda row: Typedef(*row),
    Kind.VARIABLE: _variable,
    Kind.CALL: _call,
    Kind.ASSIGNMENT: _assignment,
    Kind.FUNCTION: lambda row: Function(*row),
    Kind.MACRO: _macro,
    Kind.UNREAD: lambda row: Unread(row[0], row[1], row[2], tuple(row[3])),
}


def keys(facts: Facts) -> list[Keys]:
    """Every name that some question finds the file by, each once, in no particular order."""
    members = [member for record in facts.records for member in record.members]
    found: dict[Question, set[str]] = {
        Question.RECORD_TYPE: {record.type for record in facts.records},
        Question.RECORD_WITH_SLOT: {"" for member in members if member.kind is MemberKind.SLOT},
        Question.MEMBER_TYPE: {member.type for member in members if member.type and member.kind is not MemberKind.SLOT},
        Question.TYPEDEF_NAME: {typedef.name for typedef in facts.typedefs},
        Question.VARIABLE_TYPE: {variable.type for variable in facts.variables},
        Question.VARIABLE_NAME: {variable.name for variable in facts.variables},
        Question.FILL_VALUE: {
            name for variable in facts.variables for fill in variable.fills for name in names_in(fill.value)
        },
        Question.CALLED_MEMBER: {call.member for call in facts.calls},
        Question.ASSIGNED_MEMBER: {assignment.member for assignment in facts.assignments},
        Question.ASSIGNED_VALUE: {name for assignment in facts.assignments for name in names_in(assignment.value)},
        Question.FUNCTION_NAME: {function.name for function in facts.functions},
        Question.MACRO_MEMBER: {member for macro in facts.macros for member in macro.members},
        Question.MACRO_NAME: {macro.name for macro in facts.macros},
    }
    return [(int(question), [key_name(name) for name in names]) for question, names in found.items() if names]


def key_name(name: str) -> str:
    """A name as a key: SQLite takes no bytes that are no UTF-8."""
    return name if name.isascii() else name.encode("ascii", "backslashreplace").decode("ascii")
