"""What the tree's own set-up code puts into its hook tables, read from the machine's memory before and after it ran."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .boot.guest import Guest
from .boot.kbuild import is_compiled
from .boot.machine import REAL_MACHINE
from .boot.on_xen import XEN
from .boot.platform import Platform
from .boot.stages import Boot, load_domain
from .cexec import Profile, Trap, Unsupported
from .cexec.types import CType, Function, Pointer, Record, Void
from .layouts import parse_layout
from .machine import MachineFault
from .run import deep_recursion, load_kernel
from .trace import ignore

_SMALL = parse_layout("64M")
"""Set-up code that fills tables does not look at how much memory there is."""
_MAX_ROUNDS = 1 << 16
_THUNK = "__raw_callee_save_"
"""How the kernel names the assembler around a function that saves registers (asm/paravirt.h#PV_THUNK_NAME)."""


@dataclass(frozen=True, slots=True)
class ExecutedSlot:
    """What a slot held before and after. A function's name; "" for a null pointer; "0x…" for any other address."""

    path: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class ExecutedTable:
    """The function pointers of one table variable, in the order in which the compiled struct has them."""

    name: str
    slots: tuple[ExecutedSlot, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of `function`. `stopped`: why it did not return, "" if it did; `line`: where in it that was."""

    function: str
    tables: tuple[ExecutedTable, ...]
    stopped: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Executions:
    """What several functions do, each on a machine just switched on.

    `not_compiled`: functions that this configuration does not have, or that take arguments. `left_out`: tables that it
    does not have, or that a file defines which is not read.
    """

    runs: tuple[Execution, ...]
    not_compiled: tuple[str, ...]
    left_out: tuple[str, ...]
    profile: str
    platform: str
    symbols: Mapping[str, bool]
    """CONFIG_ symbols that are known to be set or unset."""


def execute_installers(
    source: BlobSource,
    functions: Mapping[str, RepoPath],
    tables: Sequence[str],
    *,
    platform: Platform = XEN,
    profile: Profile | None = None,
) -> Executions:
    """Run each of `functions` (name to file), which take no arguments; read `tables` from memory before and after.

    Their files are compiled besides those that boot, where the configuration compiles them; their neighbours in the
    folder are, too, because set-up code is divided among them. KpatchError where the tree cannot be loaded.
    """
    chosen = profile or platform.profile or REAL_MACHINE.profile
    configuration = replace(REAL_MACHINE, profile=chosen).configuration
    files = dict.fromkeys(file for file in functions.values() if file.endswith(".c"))
    neighbours = _neighbours(source, files, configuration.config)
    try:
        guest = load_kernel(source, profile=profile, platform=replace(platform, files=(*platform.files, *neighbours)))
    except (Unsupported, RecursionError) as error:
        raise KpatchError("not-loaded", f"the tree cannot be loaded: {error}") from error
    compiled = [name for name, file in functions.items() if _is_compiled(guest, name, file)]
    present = [name for name in tables if _is_read(guest, name)]
    return Executions(
        tuple(_execute(guest, platform, name, present) for name in compiled),
        tuple(name for name in functions if name not in compiled),
        tuple(name for name in tables if name not in present),
        guest.program.profile_name,
        platform.name,
        dict.fromkeys(configuration.unset, False) | dict.fromkeys(configuration.config, True),
    )


def _is_compiled(guest: Guest, function: str, file: RepoPath) -> bool:
    """Whether `function` of that file is there (not a stub of the same name in a header), and takes no arguments."""
    definition = guest.program.index.function(function) if guest.has(function) else None
    if definition is None or definition.file != file:
        return False
    kind = guest.program.function_type(function, None)
    return kind is not None and not kind.parameters


def _execute(guest: Guest, platform: Platform, function: str, tables: Sequence[str]) -> Execution:
    guest.power_on(_SMALL, ignore)
    guest.program.max_rounds = _MAX_ROUNDS
    platform.start(guest, ignore)
    if platform.stages and platform.stages[0].run is load_domain:
        load_domain(Boot(guest))
    before = {name: dict(_slots(guest, name)) for name in tables}
    stopped, line = _call(guest, function)
    read = tuple(_table(name, before[name], dict(_slots(guest, name))) for name in tables)
    return Execution(function, read, stopped, line)


def _neighbours(source: BlobSource, files: Iterable[RepoPath], config: Mapping[str, str]) -> tuple[RepoPath, ...]:
    found: dict[RepoPath, None] = {}
    for file in files:
        if not is_compiled(source, file, config):
            continue
        folder = posixpath.dirname(file)
        for path in (file, *source.paths(folder)):
            beside = posixpath.dirname(path) == folder and path.endswith(".c")
            if beside and path not in found and is_compiled(source, path, config):
                found[path] = None
    return tuple(found)


def _call(guest: Guest, function: str) -> tuple[str, int | None]:
    try:
        with deep_recursion():
            guest.call(function)
    except (Unsupported, Trap, MachineFault, KpatchError, RecursionError) as error:
        chain = guest.program.call_chain()
        line = next((frame.line for frame in chain if frame.function == function), None)
        return (f"{error} (in {chain[0]})" if chain else str(error)), line
    return "", None


def _is_read(guest: Guest, name: str) -> bool:
    if not guest.has_global(name):
        return False
    try:
        kind = guest.program.type_of(name)
    except Unsupported:
        return False
    return isinstance(kind, Record) and name not in guest.program.undefined_globals


def _table(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> ExecutedTable:
    return ExecutedTable(name, tuple(ExecutedSlot(path, before[path], after[path]) for path in before))


def _slots(guest: Guest, name: str) -> Iterator[tuple[str, str]]:
    base = guest.program.address_of(name)
    for path, offset in _pointers(guest.program.type_of(name), 0, ""):
        address = guest.load(base + offset)
        yield path, _name_of(guest, address)


def _name_of(guest: Guest, address: int) -> str:
    if not address:
        return ""
    name = guest.program.function_name(address)
    return name.removeprefix(_THUNK) if name is not None else hex(address)


def _pointers(kind: CType, offset: int, path: str) -> Iterator[tuple[str, int]]:
    """Offsets of function pointers in a record, nested ones included."""
    if isinstance(kind, Pointer) and isinstance(kind.to, Function):
        yield path, offset
    elif isinstance(kind, Record):
        wrapped = kind.wrapped
        if path and isinstance(wrapped, Pointer) and isinstance(wrapped.to, Void):
            # A struct around nothing but an untyped pointer keeps the slot from being called as C (callee-save thunks).
            yield path, offset
            return
        for member in kind.layout.members:
            yield from _pointers(member.type, offset + member.offset, f"{path}.{member.name}".lstrip("."))
