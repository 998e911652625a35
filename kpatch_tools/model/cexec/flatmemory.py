"""The simplest memory: a data area and nothing else. For tests and for pure functions."""

from collections.abc import Callable, Mapping
from typing import Any

from kpatch_tools.core.errors import KpatchError


class WildAccess(Exception):  # noqa: N818 - what the guest did, as MachineFault is
    """An access outside the data area: flat memory has no page tables that could map it."""

    def __init__(self, address: int) -> None:
        super().__init__(f"access to {address:#x}, outside the data area")
        self.address = address


class FlatMemory:
    """`DataMemory` of `size` bytes at `data_base`; the first page stays unused."""

    def __init__(self, *, size: int = 1 << 21, data_base: int = 0xFFFFFFFF81100000) -> None:
        self.data_base = data_base
        self.data = bytearray(size)
        self._next = 4096
        self._initial: list[tuple[int, bytes]] = []

    def alloc_static(self, size: int, align: int) -> int:
        start = -(-self._next // align) * align
        if start + size > len(self.data):
            raise KpatchError("model-data-full", f"no room for {size} bytes of static data")
        self._next = start + max(size, 1)
        return self.data_base + start

    def set_initial(self, address: int, content: bytes) -> None:
        self._initial.append((address, content))
        self._put(address, content)

    def state(self) -> Any:
        return self._next, tuple(self._initial)

    def restore(self, state: Any) -> None:
        self._next, initial = state
        self._initial = list(initial)
        for address, content in self._initial:
            self._put(address, content)

    def reset(self) -> None:
        self.data[:] = bytes(len(self.data))
        for address, content in self._initial:
            self._put(address, content)

    def accessors(self) -> Mapping[str, Callable[..., int | bytes | None]]:
        functions: dict[str, Callable[..., int | bytes | None]] = {"getb": self._get, "putb": self._put}
        for size in (1, 2, 4, 8):
            functions[f"ld{size}"] = self._load(size, signed=False)
            functions[f"lds{size}"] = self._load(size, signed=True)
            functions[f"st{size}"] = self._store(size)
        return functions

    def _offset(self, address: int, count: int) -> int:
        offset = address - self.data_base
        if offset < 4096 or offset + count > len(self.data):
            raise WildAccess(address)
        return offset

    def _get(self, address: int, count: int) -> bytes:
        offset = self._offset(address, count)
        return bytes(self.data[offset : offset + count])

    def _put(self, address: int, content: bytes) -> None:
        offset = self._offset(address, len(content))
        self.data[offset : offset + len(content)] = content

    def _load(self, size: int, *, signed: bool) -> Callable[[int], int]:
        return lambda address: int.from_bytes(self._get(address, size), "little", signed=signed)

    def _store(self, size: int) -> Callable[[int, int], None]:
        mask = (1 << 8 * size) - 1
        return lambda address, value: self._put(address, (value & mask).to_bytes(size, "little"))
