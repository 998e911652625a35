"""The page-table hook as its own modules see it: a description, and the settings of its special probing."""

from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.resources import data_dir

from .described.parsing import malformed, parse_description
from .description import HookDescription, Override, Parameter, SubTable

HOOKS = ("pagetable_reserve",)
"""The hooks that kpt can weigh, too: it knows what they are for and what a kernel without them does."""


@dataclass(frozen=True, slots=True)
class HookSpec:
    """A hook whose probing is special: one new sub-table with one slot, one override.

    `default` is called where the kernel acted directly, in `call_function`; `installer` is the function that sets
    `override`, which acts through the function `acts_through`. `asked` and `instead` are what there would be without
    a hook, if anything: the platform's predicate that the caller would ask, and the platform's function that it would
    call then.
    """

    hook: HookDescription

    @property
    def _sub_table(self) -> SubTable:
        assert self.hook.sub_table is not None, "parse_hook wants one"
        return self.hook.sub_table

    @property
    def _override(self) -> Override:
        return self.hook.overrides[0]

    @property
    def name(self) -> str:
        return self.hook.name

    @property
    def scope(self) -> tuple[str, ...]:
        """Folders to look in for what moved."""
        return self.hook.scope

    @property
    def table(self) -> str:
        return self.hook.table.variable

    @property
    def table_type(self) -> str:
        return self.hook.table.type

    @property
    def table_header(self) -> RepoPath:
        return self.hook.table.header

    @property
    def table_file(self) -> RepoPath:
        return self.hook.table.file

    @property
    def member(self) -> str:
        """The sub-table in the table."""
        return self._sub_table.member

    @property
    def member_type(self) -> str:
        return self._sub_table.type

    @property
    def before(self) -> str:
        """The member of the table that the sub-table precedes."""
        return self._sub_table.before

    @property
    def purpose(self) -> tuple[str, ...]:
        return self._sub_table.purpose

    @property
    def slot(self) -> str:
        return self.hook.slot.name

    @property
    def returns(self) -> str:
        return self.hook.slot.returns

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.hook.slot.parameters

    @property
    def default(self) -> str:
        return self.hook.default.name

    @property
    def default_file(self) -> RepoPath:
        return self.hook.default.file

    @property
    def prototype_header(self) -> RepoPath:
        assert self.hook.default.prototype is not None, "parse_hook wants one"
        return self.hook.default.prototype

    @property
    def call_function(self) -> str:
        return self.hook.call.function

    @property
    def call_file(self) -> RepoPath:
        return self.hook.call.file

    @property
    def override(self) -> str:
        return self._override.function.name

    @property
    def installer(self) -> str:
        return self._override.installer

    @property
    def override_file(self) -> RepoPath:
        return self._override.function.file

    @property
    def acts_through(self) -> str:
        return self.hook.probing["acts_through"]

    @property
    def asked(self) -> str:
        return self.hook.probing.get("asked", "")

    @property
    def instead(self) -> str:
        return self.hook.probing.get("instead", "")

    @property
    def path(self) -> str:
        """The slot as C spells it: `x86_init.mapping.pagetable_reserve`."""
        return self.hook.path

    @property
    def signature(self) -> str:
        """The parameter list without parentheses."""
        return self.hook.signature


def load_hook(name: str) -> HookSpec:
    """The bundled hook `name`; KpatchError "unknown-hook" for any other."""
    if name not in HOOKS:
        raise KpatchError("unknown-hook", f"no hook '{name}' is bundled", hint="bundled: " + ", ".join(HOOKS))
    return parse_hook((data_dir("templates") / "hooks" / f"{name}.toml").read_bytes())


def parse_hook(data: bytes) -> HookSpec:
    """A hook from its TOML text; KpatchError "malformed-hook" names what is missing or not as it must be."""
    return HookSpec(fit_for_probing(parse_description(data, templates=data_dir("templates") / "hooks")))


def fit_for_probing(hook: HookDescription) -> HookDescription:
    """`hook`, if it has all that the special probing asks about; else KpatchError "malformed-hook"."""
    if "acts_through" not in hook.probing:
        raise malformed("probing.acts_through: missing; expected the function that the override acts through")
    if hook.sub_table is None or not hook.sub_table.before:
        raise malformed("sub_table: missing, or without before; the probing is about a new sub-table")
    if hook.default.prototype is None:
        raise malformed("default.prototype: missing; expected a header")
    if len(hook.overrides) != 1 or not hook.overrides[0].installer:
        raise malformed("override: expected one, with an installer")
    return hook
