"""Functions on bits that gcc has as builtins, for constants and for translated code."""

from collections.abc import Callable


def swap_bytes(value: int, size: int) -> int:
    """The `size`-byte unsigned value with its bytes in the other order."""
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def find_first_set(value: int) -> int:
    """1 + the index of the least significant one bit; 0 for 0."""
    return (value & -value).bit_length()


BIT_FUNCTIONS: dict[str, Callable[[int], int]] = {
    "ffs": find_first_set,
    "ctz": lambda value: find_first_set(value) - 1,
    "clz32": lambda value: 32 - value.bit_length(),
    "clz64": lambda value: 64 - value.bit_length(),
    "popcount": lambda value: value.bit_count(),
}
"""The bit builtins by the name that translated code calls; `ctz` and `clz` of 0 are undefined in C."""
