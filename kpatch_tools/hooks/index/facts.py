"""What one C file says about function pointers, in itself: no other file is needed to know it, nor the file's name.

Therefore facts are kept by blob id. Types are spelled as C does: "struct x86_init_ops", "union u", or a typedef's name.
Text is decoded with surrogateescape; lines are 1-based. Most facts are named tuples, since a kernel has a million.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from kpatch_tools.core.ids import RepoPath


class MemberKind(StrEnum):
    """What a member is: a function pointer; a struct or union held by value; a pointer to one; anything else."""

    SLOT = "slot"
    STRUCT = "struct"
    POINTER = "pointer"
    DATA = "data"


class Member(NamedTuple):
    """One member of a record, in declaration order.

    `path`: its name, with those of the unnamed-type members around it ("irqs.pre_vector_init" where `irqs` is declared
    with a body in place); members of anonymous members count as the record's own. `type`: of a STRUCT or POINTER, the
    type it holds or points to; of a SLOT that is declared by a typedef, the typedef; else "". `signature`: of a SLOT,
    its declaration in one line ("void (*pre_vector_init)(void)"); else "". `array`: an array of such.
    """

    path: str
    kind: MemberKind
    type: str
    signature: str
    array: bool
    line: int


class Record(NamedTuple):
    """A struct or union with a body.

    `type`: how other files name it; its typedef where it has no tag; "struct (x)" for the one of `struct { ... } x;`.
    `members` is empty where all of them are numbers.
    """

    type: str
    members: tuple[Member, ...]
    line: int


class Typedef(NamedTuple):
    """Another name for a type. `signature`: not empty for (a pointer to) a function type: then `type` is "".

    `type` is "" for numbers and for pointers to pointers too. `pointer`: the name stands for a pointer to `type`.
    """

    name: str
    type: str
    signature: str
    line: int
    pointer: bool = False


class Fill(NamedTuple):
    """One value of an initialiser.

    `path`: the member that it names ("mapping.pagetable_reserve"), subscripts left out; where a value has no
    designator, its index stands in place of the name ("#0", "irqs.#2"); "" for a plain element of an array. `value`:
    the function's name whether written `f` or `&f` or behind a cast; "NULL"; or the expression in one line, cut off
    where it is long. `number`: which element of an array of structs, from 0.

    Values that cannot be a function are left out: numbers, strings, results of operators, and names in capitals that
    stand for no member by name.
    """

    path: str
    value: str
    number: int
    line: int


class Storage(StrEnum):
    """PUBLIC and PRIVATE (static) define a variable, EXTERN only declares it.

    LOCAL is a function's own: a static one, or any that begins with braces which may name a function.
    """

    PUBLIC = "public"
    PRIVATE = "private"
    EXTERN = "extern"
    LOCAL = "local"


class Variable(NamedTuple):
    """A global variable (or a function's static one) whose type is a record or a typedef, filled or not.

    `pointer`: it points to the type. `array`: of that. `target`: what a pointer begins with ("&x" gives "x"), else "".
    `annotation`: section annotations as written, space-separated ("__initdata"). `function`: of a LOCAL.
    """

    name: str
    type: str
    storage: Storage
    pointer: bool
    array: bool
    target: str
    fills: tuple[Fill, ...]
    annotation: str
    function: str
    line: int


class Root(StrEnum):
    """What an access begins with: a name that the function declares, any other name, or a call's result."""

    LOCAL = "local"
    GLOBAL = "global"
    RESULT = "result"


class Call(NamedTuple):
    """A call through a member, or a macro that is passed one.

    `root`, `root_kind`: the name that the expression begins with; of a RESULT the function's name, or the name that a
    cast is applied to a member of. `root_type`: the record or typedef that the function itself declares for it, or a
    cast gives it; "" where the file does not say. `chain`: the members from there, subscripts left out ("f_op.read").
    `function`: where it stands; "" at top level (a macro's body has none).

    `arguments`: how many are passed. `guarded`: in the function, before it or around it, the same expression is
    tested. `macro`: the macro that it is an argument of, where it is not called itself.
    """

    root: str
    root_kind: Root
    root_type: str
    chain: str
    function: str
    line: int
    arguments: int
    guarded: bool
    macro: str

    @property
    def member(self) -> str:
        """The last member: the slot, if it is one."""
        return self.chain.rpartition(".")[2]


class Assignment(NamedTuple):
    """A value that is put into a member; what it has in common with a Call is named alike.

    The chain is empty where a whole global variable is assigned (`pv_cpu_ops = xen_cpu_ops;`). `value` as in a Fill.
    `conditional`: whether it stands in an `if`, loop or `switch` of its function.

    Assigned braces (`a.b = (struct s){ .c = f }`) give one Assignment for each value in them. Values that cannot be a
    function (numbers, also in local variables, strings, results of operators) are left out.
    """

    root: str
    root_kind: Root
    root_type: str
    chain: str
    function: str
    line: int
    value: str
    conditional: bool

    @property
    def member(self) -> str:
        """The last member: the slot, if it is one."""
        return self.chain.rpartition(".")[2]


Access = Call | Assignment
"""An expression that ends in a member."""


class Function(NamedTuple):
    """A function with a body. `signature`: return type and parameters in one line, annotations left out.

    `annotation`: its section annotations, space-separated ("__init"). `parameters`: -1 for a variadic one.
    """

    name: str
    signature: str
    returns: str
    parameters: int
    private: bool
    annotation: str
    line: int


class MacroUse(NamedTuple):
    """A macro whose body reaches members of a record: `#define pte_val(x) ... pv_mmu_ops.pte_val ...`.

    `roots`: the accesses in it, "pv_mmu_ops.pte_val". `body` is one line.
    """

    name: str
    parameters: tuple[str, ...] | None
    roots: tuple[str, ...]
    body: str
    line: int

    @property
    def members(self) -> tuple[str, ...]:
        """Every member on the way of any of them, each once."""
        return tuple(dict.fromkeys(member for root in self.roots for member in root.split(".")[1:]))


class Unread(NamedTuple):
    """Lines `first` to `last` that were not understood, with the identifiers in them."""

    first: int
    last: int
    reason: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one file says. `size` in bytes, `unread_bytes` of them not understood."""

    size: int
    unread_bytes: int
    records: tuple[Record, ...]
    typedefs: tuple[Typedef, ...]
    variables: tuple[Variable, ...]
    calls: tuple[Call, ...]
    assignments: tuple[Assignment, ...]
    functions: tuple[Function, ...]
    macros: tuple[MacroUse, ...]
    unread: tuple[Unread, ...]


FactT_co = TypeVar("FactT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class At(Generic[FactT_co]):
    """A fact and the file it is in."""

    file: RepoPath
    fact: FactT_co
