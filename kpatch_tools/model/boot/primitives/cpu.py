"""Registers and single instructions: what the kernel reaches through inline assembly."""

from functools import partial

from kpatch_tools.model.boot.guest import Guest, Primitives
from kpatch_tools.model.machine import PAGE_SHIFT

_CR4 = 0x660
"""PAE, OSFXSR, OSXMMEXCPT, PSE off: what a PV guest of Xen 4.17 reads (xen-truth: "CR4: 0000000000000660")."""


def primitives(guest: Guest) -> Primitives:
    def read_cr3() -> int:
        root = guest.memory.paging.root
        assert root is not None
        pfn = guest.frames.m2p(root)
        return (root if pfn is None else pfn) << PAGE_SHIFT

    def test_bit(number: int, address: int) -> int:
        return guest.load(address + (number >> 5) * 4, 4) >> (number & 31) & 1

    def set_bit(number: int, address: int) -> None:
        word = address + (number >> 5) * 4
        guest.store(word, 4, guest.load(word, 4) | 1 << (number & 31))

    def clear_bit(number: int, address: int) -> None:
        word = address + (number >> 5) * 4
        guest.store(word, 4, guest.load(word, 4) & ~(1 << (number & 31)))

    def test_and_set_bit(number: int, address: int) -> int:
        old = test_bit(number, address)
        set_bit(number, address)
        return old

    def test_and_clear_bit(number: int, address: int) -> int:
        old = test_bit(number, address)
        clear_bit(number, address)
        return old

    def find_next(address: int, size: int, offset: int, *, wanted: str) -> int:
        """lib/find_next_bit.c: the first bit of this value at or above `offset`, else `size`."""
        if offset >= size:
            return size
        first = offset // 8 * 8
        bits = int.from_bytes(guest.memory.read(address + first // 8, -(-(size - first) // 8)), "little")
        found = format(bits | 1 << (size - first + 8), "b")[::-1].find(wanted, offset - first)
        return min(first + found, size) if found >= 0 else size

    def bitmap_weight(address: int, size: int) -> int:
        bits = int.from_bytes(guest.memory.read(address, -(-size // 64) * 8), "little")
        return (bits & ((1 << size) - 1)).bit_count()

    return {
        "__bitmap_weight": bitmap_weight,
        "__bitmap_empty": lambda address, size: int(not bitmap_weight(address, size)),
        "find_next_bit": partial(find_next, wanted="1"),
        "find_next_zero_bit": partial(find_next, wanted="0"),
        "find_first_bit": lambda address, size: find_next(address, size, 0, wanted="1"),
        "find_first_zero_bit": lambda address, size: find_next(address, size, 0, wanted="0"),
        "read_cr3": read_cr3,
        "native_read_cr3": read_cr3,
        "read_cr4": lambda: _CR4,
        "native_read_cr4": lambda: _CR4,
        "variable_test_bit": test_bit,
        "constant_test_bit": test_bit,
        "set_bit": set_bit,
        "__set_bit": set_bit,
        "clear_bit": clear_bit,
        "__clear_bit": clear_bit,
        "test_and_set_bit": test_and_set_bit,
        "__test_and_set_bit": test_and_set_bit,
        "test_and_clear_bit": test_and_clear_bit,
        "__test_and_clear_bit": test_and_clear_bit,
        "fls": lambda value: (value & 0xFFFF_FFFF).bit_length(),
        "fls64": lambda value: (value & (1 << 64) - 1).bit_length(),
        "ilog2": lambda value: value.bit_length() - 1,
        "__model_current": lambda: guest.task,
        "current_thread_info": lambda: guest.thread_info,
        "__builtin_return_address": lambda _level: 0,
        "arch_local_irq_save": lambda: 0,
        "arch_local_save_flags": lambda: 0,
        "__xchg": lambda *_arguments: 0,
    }
