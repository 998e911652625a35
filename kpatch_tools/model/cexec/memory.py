"""What translated C needs of the memory it runs in."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class DataMemory(Protocol):
    """Memory with a *data area*: one contiguous, always mapped, writable range for globals, strings and the stack.

    Translated code reaches a static address inside the data area through `memoryview` casts of `data`, without a
    call; every other address goes through the accessors, which also accept addresses inside the data area.
    """

    @property
    def data_base(self) -> int:
        """Virtual address of the first byte of the data area; a multiple of 4096."""
        ...

    @property
    def data(self) -> bytearray:
        """The data area's bytes. The object is never replaced and never changes its length: views of it are kept."""
        ...

    def alloc_static(self, size: int, align: int) -> int:
        """The address of `size` fresh zero bytes in the data area, for as long as the memory lives.

        `align` is a power of two. KpatchError when the data area is full.
        """
        ...

    def set_initial(self, address: int, content: bytes) -> None:
        """Put `content` at `address` now, and again on every `reset`.

        An address outside the data area (a global that the program's placement put elsewhere, say among the kernel
        image's page tables) is remembered too; whether it can be written before page tables exist is the memory's
        business.
        """
        ...

    def accessors(self) -> Mapping[str, Callable[..., int | bytes | None]]:
        """The functions that translated code calls, by name:

        - `ld1 ld2 ld4 ld8` (address) -> unsigned value; `lds1 lds2 lds4 lds8` -> signed value;
        - `st1 st2 st4 st8` (address, value): the value may be signed or unsigned, in the range of its size;
        - `getb` (address, count) -> bytes; `putb` (address, bytes).

        Little-endian, no alignment required. Addresses are 64-bit virtual addresses; one outside 0..2**64-1 is the
        program's error and may fault like any wild pointer.
        """
        ...

    def state(self) -> Any:
        """The static allocations and initial contents so far, as plain values."""
        ...

    def restore(self, state: Any) -> None:
        """Continue from the `state` of an equal memory that began with the same allocations."""
        ...

    def reset(self) -> None:
        """Zero the data area, then repeat every `set_initial`. Static allocations stay."""
        ...
