"""A hook as data: what `templates/hooks/<name>.toml` says.

Paths in it are where each part stands in the kernels known so far; a part is looked for by its shape in `scope` where
it does not stand there.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.resources import data_dir

HOOKS = ("pagetable_reserve",)
"""The hooks that kpt brings along."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the slot, in C's spelling."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class HookSpec:
    """One slot of a hook table, with its default and the override it is for.

    `table` is the variable, `member` the sub-table in it (of type struct `member_type`, placed before the member
    `before`), `slot` the function pointer in that. `default` is called where the kernel acted directly, in
    `call_function`; `installer` is the function that sets `override`, which acts through the function `acts_through`.
    `asked` and `instead` are what there would be without a hook, if anything: the platform's predicate that the caller
    would ask, and the platform's function that it would call then.
    `scope` are folders to look in for what moved.
    """

    name: str
    scope: tuple[str, ...]
    table: str
    table_type: str
    table_header: RepoPath
    table_file: RepoPath
    member: str
    member_type: str
    slot: str
    before: str
    returns: str
    parameters: tuple[Parameter, ...]
    brief: str
    about: str
    purpose: tuple[str, ...]
    default: str
    default_file: RepoPath
    prototype_header: RepoPath
    call_function: str
    call_file: RepoPath
    override: str
    installer: str
    override_file: RepoPath
    acts_through: str
    asked: str = ""
    instead: str = ""

    @property
    def path(self) -> str:
        """The slot as C spells it: `x86_init.mapping.pagetable_reserve`."""
        return f"{self.table}.{self.member}.{self.slot}"

    @property
    def signature(self) -> str:
        """The parameter list without parentheses."""
        return ", ".join(f"{one.type} {one.name}" for one in self.parameters)


def load_hook(name: str) -> HookSpec:
    """The bundled hook `name`; KpatchError "unknown-hook" for any other."""
    if name not in HOOKS:
        raise KpatchError("unknown-hook", f"no hook '{name}' is bundled", hint="bundled: " + ", ".join(HOOKS))
    return parse_hook((data_dir("templates") / "hooks" / f"{name}.toml").read_bytes())


def parse_hook(data: bytes) -> HookSpec:
    """A hook from its TOML text; KpatchError "malformed-hook" names what is missing or has another type."""
    try:
        fields = tomllib.loads(data.decode())
        return _spec(fields)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise KpatchError("malformed-hook", f"the hook's description is not usable: {error}") from error


def _spec(fields: Mapping[str, object]) -> HookSpec:
    table, slot, default = _section(fields, "table"), _section(fields, "slot"), _section(fields, "default")
    call, override = _section(fields, "call"), _section(fields, "override")
    inline = _section(fields, "inline") if "inline" in fields else {}
    return HookSpec(
        name=_text(fields, "name"),
        scope=tuple(str(folder) for folder in _list(fields, "scope")),
        table=_text(table, "variable"),
        table_type=_text(table, "type"),
        table_header=RepoPath(_text(table, "declared_in")),
        table_file=RepoPath(_text(table, "defined_in")),
        member=_text(slot, "member"),
        member_type=_text(slot, "member_type"),
        slot=_text(slot, "name"),
        before=_text(slot, "before"),
        returns=_text(slot, "returns"),
        parameters=tuple(_parameter(pair) for pair in _list(slot, "parameters")),
        brief=_text(slot, "brief"),
        about=_text(slot, "about"),
        purpose=tuple(_text(slot, "purpose").strip().splitlines()),
        default=_text(default, "function"),
        default_file=RepoPath(_text(default, "file")),
        prototype_header=RepoPath(_text(default, "prototype")),
        call_function=_text(call, "function"),
        call_file=RepoPath(_text(call, "file")),
        override=_text(override, "function"),
        installer=_text(override, "installer"),
        override_file=RepoPath(_text(override, "file")),
        acts_through=_text(override, "acts_through"),
        asked=_text(inline, "asked") if inline else "",
        instead=_text(inline, "function") if inline else "",
    )


def _section(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = fields[name]
    if not isinstance(section, dict):
        raise TypeError(f"[{name}] is no table")
    return section


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields[name]
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value


def _parameter(pair: object) -> Parameter:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
        raise ValueError("a parameter is a pair of type and name")
    return Parameter(*pair)
