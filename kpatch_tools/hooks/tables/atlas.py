"""What was found out about hook tables."""

from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location


@dataclass(frozen=True, slots=True)
class Reference:
    """What is put into a slot, and where.

    `function` is the assigned function's name; "NULL" for a null pointer; the expression's text, in one line, where
    it is neither. `location.function` is the function that assigns (None in a static initialiser).
    """

    function: str
    location: Location


@dataclass(frozen=True, slots=True)
class Slot:
    """One function pointer of a table.

    `path`: members from the table on, "mapping.pagetable_reserve". `signature`: its declaration in one line.
    `defaults`: what the table's own initialisers assign, more than one where conditionals choose; none where no
    initialiser names the slot. `guards`: reads that neither call nor write, a NULL test above all.
    """

    path: str
    signature: str
    location: Location
    defaults: tuple[Reference, ...]
    overrides: tuple[Reference, ...]
    call_sites: tuple[Location, ...]
    guards: tuple[Location, ...]

    @property
    def default(self) -> Reference | None:
        """The first default; None where no initialiser names the slot."""
        return self.defaults[0] if self.defaults else None


@dataclass(frozen=True, slots=True)
class HookTable:
    """A variable whose struct holds function pointers.

    `type` as C spells it ("struct x86_init_ops"). `file`, `line`: the variable's definition, or the first declaration
    where scope has no definition. `struct`: where the type is defined.
    """

    name: str
    type: str
    file: RepoPath
    line: int
    struct: Location
    slots: tuple[Slot, ...]

    def slot(self, path: str) -> Slot | None:
        """The slot at `path`, if the table has it."""
        return next((slot for slot in self.slots if slot.path == path), None)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A mention of the table that could not be judged, and why; `text` is its source line."""

    location: Location
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """`files` and `bytes` were parsed, out of `searched_files` and `searched_bytes` searched for the table's name.

    An answer is complete when `not_understood` is empty, except for what assembler does with the table: `assembler`
    are the places in assembler files and in a header's parts for the assembler that name it, which are not read.
    """

    files: int
    bytes: int
    searched_files: int
    searched_bytes: int
    not_understood: tuple[NotUnderstood, ...]
    assembler: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class HookAtlas:
    """`tables` has one entry, or none where the scope declares no such variable with slots."""

    tables: tuple[HookTable, ...]
    coverage: Coverage
