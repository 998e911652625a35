"""The program under test, its memory and its hypervisor, as the boot and its primitives reach them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.cexec import Program, Struct, Trap, Unsupported
from kpatch_tools.model.cexec.types import CType, Pointer, Record
from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.machine import FrameInfo, GuestMemory, SavedMemory
from kpatch_tools.model.trace import Printed, RightsChanged, Tracer, ignore
from kpatch_tools.model.xen import Refusal, Xen
from kpatch_tools.model.xen.state import SavedState

from .machine import REAL_MACHINE, Machine

if TYPE_CHECKING:
    from .platform import Platform

INVALID_P2M_ENTRY = (1 << 64) - 1
"""What the kernel's own tables say for a pfn without frame."""


@dataclass(slots=True)
class Observations:
    """What a boot left for its oracles, in order of happening."""

    printed: list[str] = field(default_factory=list)
    made_writable: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of pseudo-physical bytes of the direct map that hypercalls made writable page by page."""

    def copy(self) -> "Observations":
        return Observations(self.printed.copy(), self.made_writable.copy())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `Guest.checkpoint` gives; `marks` are what is known of the latest hypercall."""

    memory: SavedMemory
    xen: SavedState
    seen: Observations
    p2m_updates: dict[int, int]
    marks: tuple[str, bool, str]


class FrameMapping(Protocol):
    """An entry of a live L1 table that maps a frame: `table` and `slot` say where it is."""

    @property
    def table(self) -> Mfn: ...
    @property
    def slot(self) -> int: ...
    @property
    def writable(self) -> bool: ...


class Frames(Protocol):
    """What oracles and explanations ask about frames, with or without a hypervisor (`Xen` says what each means)."""

    @property
    def p2m(self) -> Callable[[int], Mfn | None]: ...
    @property
    def m2p(self) -> Callable[[int], Pfn | None]: ...
    def live_tables(self) -> Iterable[tuple[Mfn, object]]: ...
    def mappings_of(self, mfn: int, /) -> Iterable[FrameMapping]: ...
    def last_refusal(self) -> Sequence[Refusal]: ...
    def describe(self, number: int, /) -> FrameInfo: ...


class Guest:
    """One kernel, translated once, booted many times.

    `platform` and `program` are set when the kernel is loaded; `layout`, `frames` and, on Xen, `xen` anew for each
    boot.
    """

    program: Program
    platform: "Platform"
    layout: Layout
    frames: Frames
    """Who knows the frames: `xen`, or the hardware where there is no hypervisor."""
    xen: Xen

    def __init__(self, memory: GuestMemory, machine: Machine = REAL_MACHINE) -> None:
        self.memory = memory
        self.machine = machine
        self.tracer: Tracer = ignore
        self.after_boot: Callable[[], None] = _nothing
        """Called after every boot, by whoever runs it: keeps what was learnt of the kernel, where that is wanted."""
        self.seen = Observations()
        self.p2m_updates: dict[int, int] = {}
        self.hypercall = ""
        """The latest hypercall, or the refused one of the latest batch, in words: "pin", "update_va_mapping" …"""
        self.refused = False
        """Whether the latest hypercall, or one of the latest batch, was refused."""
        self.request = ""
        """The latest refused request with its arguments, in Xen's words."""
        self.identity = ""
        """Names the code, its configuration and machine: kernels of the same identity boot alike."""
        self._members: dict[tuple[str, str], Place] = {}
        accessors = memory.accessors()
        self._loads = {size: cast("Callable[[int], int]", accessors[f"ld{size}"]) for size in (1, 2, 4, 8)}
        self.thread_info = memory.alloc_static(PAGE_SIZE, PAGE_SIZE)
        self.task = memory.alloc_static(4 * PAGE_SIZE, 64)

    def power_on(self, layout: Layout, tracer: Tracer) -> None:
        """Forget the last boot."""
        self.program.reset()
        self.layout = layout
        self.tracer = tracer
        self.seen = Observations()
        self.p2m_updates = {}
        self.hypercall = ""
        self.refused = False
        self.request = ""

    def checkpoint(self) -> "Checkpoint":
        """The whole machine between two stages of a boot on Xen, for `rewind`."""
        marks = (self.hypercall, self.refused, self.request)
        memory, xen = self.memory.checkpoint(), self.xen.checkpoint()
        return Checkpoint(memory, xen, self.seen.copy(), self.p2m_updates.copy(), marks)

    def rewind(self, saved: "Checkpoint") -> None:
        """The machine as it was then, in the same boot."""
        self.program.forget_fault()
        self.memory.rewind(saved.memory)
        self.xen.rewind(saved.xen)
        self.seen = saved.seen.copy()
        self.p2m_updates = saved.p2m_updates.copy()
        self.hypercall, self.refused, self.request = saved.marks

    # --- functions

    def has(self, *functions: str) -> bool:
        """Whether the tree defines all of them."""
        return all(self.program.has_function(name) for name in functions)

    def mentions(self, function: str, name: str) -> bool:
        """Whether the tree defines `function` and its body names `name`."""
        return self.program.mentions(function, name)

    def call(self, function: str, *arguments: int) -> int:
        return self.program.call(function, *arguments)

    def call_address(self, address: int, *arguments: int) -> int:
        """Call the function at `address`, as C does through a pointer."""
        name = self.program.function_name(address)
        if name is None:
            raise Trap("wild-call", f"call of {address:#x}, where no function is", address)
        return self.program.call(name, *arguments)

    def call_if_defined(self, *functions: str) -> None:
        """Call each of the argument-less functions that the tree has."""
        for name in functions:
            if self.has(name):
                self.call(name)

    # --- data

    def store(self, address: int, size: int, value: int) -> None:
        self.memory.write(address, (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    def load(self, address: int, size: int = 8) -> int:
        load = self._loads.get(size)
        if load is None:
            return int.from_bytes(self.memory.read(address, size), "little")
        return load(address)

    def has_global(self, name: str) -> bool:
        return self.program.has_global(name)

    def get(self, name: str) -> int:
        return self.program.read_global(name)

    def set(self, name: str, value: int) -> None:
        self.program.write_global(name, value)

    def set_if_declared(self, name: str, value: int) -> None:
        if self.has_global(name):
            self.set(name, value)

    def member(self, name: str, path: str) -> "Place":
        """Where member `path` of the struct variable `name` lies."""
        known = self._members.get((name, path))
        if known is None:
            kind = self.program.type_of(name)
            if not isinstance(kind, Record):
                raise Unsupported(None, f"'{name}' is no struct")
            field = Struct(kind).member(path)
            place = Place(self, self.program.address_of(name) + field.offset, field.type)
            known = self._members[name, path] = place
        return known

    def has_member(self, name: str, path: str) -> bool:
        """Whether the struct variable `name` exists and has the member."""
        if not self.has_global(name):
            return False
        kind = self.program.type_of(name)
        return isinstance(kind, Record) and Struct(kind).has(path)

    def constant(self, name: str) -> int | None:
        """The value of an enumeration constant; None where the tree has none of that name."""
        return self.program.enumerator(name)

    def literal(self, text: str) -> int:
        """The address of `text` as a C string."""
        return self.program.string_address(text.encode("latin-1"))

    def text(self, address: int, limit: int = 4096) -> str:
        """The C string at `address`."""
        content = b""
        while len(content) < limit:
            # Up to a page's end: what follows may not be mapped, and need not be.
            at = address + len(content)
            part = self.memory.read(at, PAGE_SIZE - at % PAGE_SIZE)
            content += part
            if b"\0" in part:
                break
        return content.partition(b"\0")[0][:limit].decode("latin-1")

    # --- frames

    def frame_of(self, pfn: int) -> int:
        """The frame that the kernel's own table has for `pfn`, or INVALID_P2M_ENTRY."""
        if pfn in self.p2m_updates:
            return self.p2m_updates[pfn]
        mfn = self.xen.p2m(pfn)
        return INVALID_P2M_ENTRY if mfn is None else mfn

    # --- observations

    def note_hypercall(self, name: str, outcome: int) -> int:
        """Remember what Xen was asked last and whether it refused. The outcome."""
        self.hypercall, self.refused = name, outcome < 0
        return outcome

    def print(self, text: str) -> None:
        self.seen.printed.append(text)
        self.tracer(Printed(text))

    def note_rights(self, address: int, *, writable: bool) -> None:
        """A page of the direct map at pseudo-physical `address` was made writable, or read-only, by a hypercall."""
        self.tracer(RightsChanged(Pfn(address // PAGE_SIZE), writable))
        if writable:
            self._note_writable(address // PAGE_SIZE * PAGE_SIZE)

    def _note_writable(self, address: int) -> None:
        ranges = self.seen.made_writable
        if ranges and ranges[-1][1] == address:
            ranges[-1] = (ranges[-1][0], address + PAGE_SIZE)
        else:
            ranges.append((address, address + PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class Place:
    """An object in guest memory."""

    guest: Guest
    address: int
    type: CType

    @property
    def is_pointer(self) -> bool:
        return isinstance(self.type, Pointer)

    def load(self) -> int:
        return self.guest.load(self.address, self.type.size)

    def store(self, value: int) -> None:
        self.guest.store(self.address, self.type.size, value)


def _nothing() -> None:
    """Nothing is kept."""


Primitives = dict[str, Callable[..., int | None]]
