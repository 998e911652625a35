"""A hook as data: the values of a description, as `templates/hooks/<name>.toml` or a user's file gives them.

Paths in it are where each part stands in the kernels known so far; a part is looked for by its shape in `scope` where
it does not stand there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.render import render


class Origin(StrEnum):
    """Where a function comes from that a hook puts into the slot."""

    NEW = "new"
    """The hook brings it: its text is a template."""
    EXISTING = "existing"
    """The target has it. Where it is static in another file, it becomes visible through a prototype."""
    NO_OP = "no-op"
    """The function that does nothing and that the table's other slots share, found by its shape."""


class Position(StrEnum):
    """How a call gets into its function."""

    REPLACES = "replaces"
    """It takes the place of the one direct call of a function."""
    AFTER = "after"
    """It follows the statement with the one call of a function (or through a slot)."""
    BEFORE = "before"
    """It stands before that statement, and before a comment directly above it."""
    FIRST = "first"
    """It is the function's first statement, behind its declarations."""
    PROBED = "probed"
    """The hook's own probing finds the place."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the slot, in C's spelling."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """The hook table: its variable, the struct tag of its type, and where both are."""

    variable: str
    type: str
    header: RepoPath
    file: RepoPath


@dataclass(frozen=True, slots=True)
class SubTable:
    """The member of the table that holds the slot, of type struct `type`.

    Where the target has no such struct, it is written before the one of the table's member `before`, with `brief` and
    the lines of `purpose` as its kernel-doc; without a `before` the hook needs a target that has it.
    """

    member: str
    type: str
    before: str
    brief: str
    purpose: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """The function pointer. `before` or `after` name a neighbour in its struct; with neither it goes last."""

    name: str
    returns: str
    parameters: tuple[Parameter, ...]
    about: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A macro that stands for the default, because some configurations do not build the function.

    It is defined beside every definition of the macro `beside`: as `otherwise` where that one is, else as the function.
    """

    name: str
    beside: str
    otherwise: str
    file: RepoPath


@dataclass(frozen=True, slots=True)
class Function:
    """A function for the slot. `name` is empty for a no-op, which is found by shape.

    A new one has its text in `template`, and `section` is its annotation, if any; it goes behind the function `behind`
    of `file`, or where that is empty: to the table, or to the function that installs it. With a `prototype` (a header)
    it is visible to other files, without one it is static. `includes` are headers that it needs.
    """

    origin: Origin
    name: str
    file: RepoPath
    prototype: RepoPath | None
    template: str
    section: str
    behind: str
    includes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Override:
    """A platform's function and who sets it: the function `installer`, or the static initialiser of `variable`.

    `beside`: the slot whose assignment it follows, whatever that one depends on. Without it the assignment goes among
    those that the installer makes always, in the order of the table.
    """

    function: Function
    installer: str
    variable: str
    beside: str


@dataclass(frozen=True, slots=True)
class Call:
    """The call through the slot, in `function`. `anchor`: the function that `position` is about.

    `arguments` are C expressions; None leaves those of the call that is replaced. With `answer` the call is the
    condition of `if (...) return answer;` (an empty one: plain `return;`), `unless` says that a false result returns.
    `guard` is a configuration symbol that the text is put under, for a file that other architectures compile, too.
    """

    function: str
    file: RepoPath
    position: Position
    anchor: str
    arguments: tuple[str, ...] | None
    answer: str | None
    unless: bool
    guard: str
    comment: str


@dataclass(frozen=True, slots=True)
class HookDescription:
    """One slot of a hook table, what fills it, who calls it, and the overrides it is for.

    `probing` has the settings of the special probing that one of kpt's own hooks needs; empty for all others.
    `templates` is the folder beside the description that holds its texts.
    """

    name: str
    summary: str
    scope: tuple[str, ...]
    table: Table
    sub_table: SubTable | None
    slot: Slot
    default: Function
    alias: Alias | None
    call: Call
    overrides: tuple[Override, ...]
    probing: Mapping[str, str]
    templates: Path

    @property
    def path(self) -> str:
        """The slot as C spells it: `x86_init.mapping.pagetable_reserve`."""
        return f"{self.table.variable}.{self.path_in_table}"

    @property
    def path_in_table(self) -> str:
        """The same from the table on: `mapping.pagetable_reserve`."""
        return f"{self.sub_table.member}.{self.slot.name}" if self.sub_table is not None else self.slot.name

    @property
    def signature(self) -> str:
        """The parameter list without parentheses; `void` for none."""
        return ", ".join(_spelled(one) for one in self.slot.parameters) or "void"

    def text(self, template: str, **values: object) -> str:
        """The text of one of its own templates, which see the description as `spec`."""
        return render(f"{self.name}/{template}.j2", folder=self.templates, spec=self, **values)


def _spelled(one: Parameter) -> str:
    return f"{one.type}{one.name}" if one.type.endswith("*") else f"{one.type} {one.name}"
