"""What is known of the tables of a whole revision."""

from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Unread
from kpatch_tools.hooks.index.query import Extent


class TableKind(StrEnum):
    """How a type of function pointers is used."""

    OWN = "own"
    """One variable is the table, as x86_init is."""
    MANY = "many"
    """Many variables are, as of struct file_operations."""
    NONE = "none"
    """No variable was found: it is allocated, or part of something that is."""


@dataclass(frozen=True, slots=True)
class TypeSlot:
    """One slot of a type, nested records by value opened: "mapping.pagetable_reserve"."""

    path: str
    signature: str
    location: Location


@dataclass(frozen=True, slots=True)
class Instance:
    """One variable of the type. `prefix`: the member of the variable that is of the type, "" where the whole is.

    `elements`: how many structs its initialiser fills: 0 where it has none. `annotation` as in Variable.
    """

    name: str
    location: Location
    prefix: str
    private: bool
    array: bool
    elements: int
    annotation: str


@dataclass(frozen=True, slots=True)
class TableType:
    """A type with slots, in `file`, which may be one of several of that name."""

    type: str
    location: Location
    kind: TableKind
    slots: tuple[TypeSlot, ...]
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Put:
    """What goes into a slot, and where. `variable`: the instance, "" where an expression stands for it.

    `element`: which struct of an array. `conditional`: it depends on something in its function. Where not the slot is
    assigned but a struct that it is in, `value` is what the initialiser of the copied variable puts there ("NULL" for
    nothing), or the member of the expression that is copied.
    """

    value: str
    location: Location
    variable: str
    element: int
    conditional: bool


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call through a slot. `guarded`: it was tested before. `arguments`: -1 where a macro is passed the slot.

    `macro`: that macro. Whether it calls the slot, the map does not know; the reader of one table does. Or, outside of
    any function, the macro whose body calls the slot. `variable`: the instance, where one is named, else "".
    """

    location: Location
    guarded: bool
    arguments: int
    macro: str
    variable: str


@dataclass(frozen=True, slots=True)
class ReadSlot:
    """A slot with all that fills and calls it."""

    slot: TypeSlot
    defaults: tuple[Put, ...]
    overrides: tuple[Put, ...]
    calls: tuple[CallSite, ...]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A use of a member of one of the slots' names whose object's type is not known.

    `ambiguous`: it may be the type, or another of several that have the same name.
    """

    text: str
    location: Location
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class TypeReading:
    """One type with its instances and slots. What is in `unresolved` may belong to it, and is not in `slots`.

    `unread`: parts that were not understood in which the type or one of its instances occurs.
    """

    table: TableType
    slots: tuple[ReadSlot, ...]
    unresolved: tuple[Unresolved, ...]
    extent: Extent
    unread: tuple[At[Unread], ...]


@dataclass(frozen=True, slots=True)
class SlotStory:
    """One slot of one type. `variable`: the instance that was asked for, "" for all; then only what is put into it.

    `unresolved` and `unread` as in TypeReading, of this slot's name too.
    """

    table: TableType
    slot: ReadSlot
    variable: str
    unresolved: tuple[Unresolved, ...]
    extent: Extent
    unread: tuple[At[Unread], ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A slot that a function is put into: of which type (in which file), and how."""

    type: str
    path: str
    file: RepoPath
    put: Put


@dataclass(frozen=True, slots=True)
class Services:
    """All slots that a function serves. `unresolved` and `unread` as in TypeReading."""

    services: tuple[Service, ...]
    unresolved: tuple[Unresolved, ...]
    extent: Extent
    unread: tuple[At[Unread], ...]


@dataclass(frozen=True, slots=True)
class TableList:
    """Every type with slots, in tree order."""

    tables: tuple[TableType, ...]
    extent: Extent
