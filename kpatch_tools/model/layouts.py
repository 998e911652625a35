"""Memory maps that a boot is run on: how much RAM, where its holes are, whether ACPI tables are mapped early."""

import json
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from kpatch_tools.core.errors import KpatchError

MIB = 1 << 20
GIB = 1 << 30
PAGE_SIZE = 4096
LOW_MEMORY_END = 4 * GIB
"""The kernel maps memory below and above this address separately; `unsigned long` 1UL<<32 in setup_arch."""
MAX_END = 16 * GIB

_ISA_USABLE_END = 0x9F000
_ISA_RESERVED = 0x9FC00
_ISA_END = 0x100000
_KERNEL_MAP = 0xFFFF_FFFF_8000_0000
_PCI_HOLE = 0xBFFE_0000
"""Where RAM below 4 GiB ends on a machine with more of it than fits below the PCI hole (QEMU's usual map)."""


class MemoryType(IntEnum):
    """E820 types, numbered as the firmware does."""

    USABLE = 1
    RESERVED = 2
    ACPI = 3
    NVS = 4
    UNUSABLE = 5


@dataclass(frozen=True, slots=True, order=True)
class MemoryRange:
    """Half-open range of pseudo-physical byte addresses."""

    start: int
    end: int
    type: MemoryType = MemoryType.USABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One machine as the kernel under test sees it.

    `ranges` is the e820 map after the kernel's own start-up code (xen_memory_setup) and `mem=`/`memmap=`, in ascending
    order. `pages` is the number of pages that the domain starts with: pseudo-physical frames 0 to `pages`, so a map
    that ends higher has RAM that is not populated (ballooned out, marked "XEN EXTRA" by the kernel). `image_end` is
    the pseudo-physical address where the loaded kernel ends and Xen's other boot structures begin; None: the model's
    usual image. `acpi` says whether ACPI tables are mapped before memory is handed out; `numa`, whether a node's own
    data is allocated on it then, as on a machine whose firmware describes NUMA nodes.
    """

    name: str
    ranges: tuple[MemoryRange, ...]
    pages: int
    acpi: bool = True
    numa: bool = False
    image_end: int | None = None

    @property
    def usable(self) -> tuple[MemoryRange, ...]:
        return tuple(entry for entry in self.ranges if entry.type is MemoryType.USABLE)

    @property
    def end(self) -> int:
        """Where RAM ends, in bytes."""
        return max(entry.end for entry in self.usable)


def parse_layout(text: str) -> Layout:
    """A layout from its short form: a size, then holes and words, separated by commas.

    `512M` or `2G`; `hole=1180M+18M`: 18 MiB of reserved, populated memory at 1180 MiB (as `memmap=18M$1180M`);
    `noacpi`: no ACPI table is mapped early; `numa`: node data is allocated. Sizes are in K, M or G and count from
    address 0. A map larger than 3 GiB without a hole of its own gets the PCI hole below 4 GiB, whose pages are lost to
    it (a privileged domain gives them back); one that ends inside the PCI hole ends before it.

    KpatchError bad-layout.
    """
    words = [word.strip() for word in text.split(",")]
    size = _parse_size(words[0], text)
    holes: list[tuple[int, int]] = []
    flags: set[str] = set()
    for word in words[1:]:
        if word in ("acpi", "noacpi", "numa"):
            flags.add(word)
        elif match := re.fullmatch(r"hole=([^+]+)\+([^+]+)", word):
            at = _parse_size(match[1], text)
            holes.append((at, at + _parse_size(match[2], text)))
        else:
            raise _bad(text, f"unknown word {word!r}")
    pages = size // PAGE_SIZE
    if not holes and size > LOW_MEMORY_END:
        holes.append((_PCI_HOLE, LOW_MEMORY_END))
    elif not holes:
        size = min(size, _PCI_HOLE)
    ranges = [MemoryRange(0, _ISA_USABLE_END), MemoryRange(_ISA_RESERVED, _ISA_END, MemoryType.RESERVED)]
    position = _ISA_END
    for start, end in sorted(holes):
        if start <= position or end >= size:
            raise _bad(text, "a hole must lie inside the memory and not overlap another")
        ranges += [MemoryRange(position, start), MemoryRange(start, end, MemoryType.RESERVED)]
        position = end
    ranges.append(MemoryRange(position, size))
    layout = Layout(name=text, ranges=tuple(ranges), pages=pages, acpi="noacpi" not in flags, numa="numa" in flags)
    return _checked(layout, text)


def layout_from_json(data: bytes, *, name: str = "json") -> Layout:
    """A layout from a JSON object.

    `e820`: list of ranges, each "START-END TYPE" with hexadecimal byte addresses, END exclusive unless "(end
    inclusive)" follows, and TYPE one of usable, reserved, ACPI, NVS, unusable; or an object {"start", "end", "type"}
    with numbers or such strings. `e820_user`, the map after mem= or memmap=, goes before it.

    Optional: `name`; `acpi` (true); `numa` (false). How many pages the domain starts with: `pages`, or `dom0_mem` as a
    size ("512M"), else up to where memory is called unusable (xen_memory_setup says so of what is the machine's but not
    the domain's), else to the end of RAM. `image_end`, the pseudo-physical address where the loaded kernel ends.
    `pages` and `image_end` can also be given as the lines that Xen prints, `xen_layout`: {"Phys-Mach map", "Loaded
    kernel"}, each "START->END" in hexadecimal.

    KpatchError bad-layout.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise _bad(name, f"not JSON: {error}") from None
    entries = (value.get("e820_user") or value.get("e820")) if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise _bad(name, 'a layout is an object with a list "e820"')
    ranges = tuple(sorted(_range_from_json(item, name) for item in entries))
    if not any(entry.type is MemoryType.USABLE for entry in ranges):
        raise _bad(name, "no usable memory")
    return _checked(
        Layout(
            name=str(value.get("name", name)),
            ranges=ranges,
            pages=_pages_from_json(value, ranges, name),
            acpi=bool(value.get("acpi", True)),
            numa=bool(value.get("numa", False)),
            image_end=_image_end_from_json(value, name),
        ),
        name,
    )


def _pages_from_json(value: dict[str, Any], ranges: tuple[MemoryRange, ...], name: str) -> int:
    if "pages" in value:
        return _number(value["pages"], name)
    if "dom0_mem" in value:
        return _parse_size(str(value["dom0_mem"]), name) // PAGE_SIZE
    if printed := _printed(value, "Phys-Mach map", name):
        return (printed[1] - printed[0]) // 8
    unusable = [entry.start for entry in ranges if entry.type is MemoryType.UNUSABLE]
    end = min(unusable) if unusable else max(entry.end for entry in ranges if entry.type is MemoryType.USABLE)
    return end // PAGE_SIZE


def _image_end_from_json(value: dict[str, Any], name: str) -> int | None:
    if value.get("image_end") is not None:
        return _number(value["image_end"], name)
    printed = _printed(value, "Loaded kernel", name)
    return printed[1] - _KERNEL_MAP if printed else None


def _printed(value: dict[str, Any], line: str, name: str) -> tuple[int, int] | None:
    """The virtual addresses of one of Xen's lines."""
    lines = value.get("xen_layout")
    if not isinstance(lines, dict) or line not in lines:
        return None
    match = re.match(r"(?:0x)?([0-9a-f]+)->(?:0x)?([0-9a-f]+)", str(lines[line]))
    if match is None:
        raise _bad(name, f"not addresses: {lines[line]!r}")
    return int(match[1], 16), int(match[2], 16)


def _range_from_json(item: Any, name: str) -> MemoryRange:
    if isinstance(item, str):
        match = re.match(r"(?:0x)?([0-9a-fA-F]+)\s*-\s*(?:0x)?([0-9a-fA-F]+)\s+(\w+)", item.strip())
        if match is None:
            raise _bad(name, f"not a range: {item!r}")
        start, end, kind = int(match[1], 16), int(match[2], 16) + ("inclusive" in item), match[3]
    elif isinstance(item, dict) and {"start", "end"} <= item.keys():
        start, end = _number(item["start"], name), _number(item["end"], name)
        kind = str(item.get("type", "usable"))
    else:
        raise _bad(name, f"not a range: {item!r}")
    try:
        return MemoryRange(start, end, MemoryType[kind.upper()])
    except KeyError:
        raise _bad(name, f"unknown memory type {kind!r}") from None


def _checked(layout: Layout, text: str) -> Layout:
    """Refuse what no machine is, or what the model cannot hold."""
    position = 0
    for entry in layout.ranges:
        if not position <= entry.start < entry.end:
            raise _bad(text, f"range {entry.start:#x}-{entry.end:#x} is empty or overlaps the one before")
        position = entry.end
    if layout.end > MAX_END:
        raise _bad(text, f"more than {MAX_END // GIB} GiB are not modelled")
    first = next((entry for entry in layout.usable if entry.end > _ISA_END), None)
    if first is None or first.end < 48 * MIB:
        raise _bad(text, "the kernel needs at least 48 MiB of RAM from 1 MiB on")
    if layout.pages * PAGE_SIZE < 48 * MIB:
        raise _bad(text, "fewer populated pages than the kernel needs")
    return layout


def _parse_size(text: str, whole: str) -> int:
    match = re.fullmatch(r"(\d+)([KMG])", text.strip())
    if match is None:
        raise _bad(whole, f"{text!r} is not a size")
    return int(match[1]) << {"K": 10, "M": 20, "G": 30}[match[2]]


def _number(value: Any, name: str) -> int:
    if isinstance(value, str):
        try:
            return int(value, 0)
        except ValueError:
            raise _bad(name, f"not a number: {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _bad(name, f"not a number: {value!r}")
    return value


def _bad(text: str, why: str) -> KpatchError:
    return KpatchError(
        "bad-layout", f"layout {text}: {why}", hint="e.g. 512M, 1200M,hole=1180M+18M, 5120M,noacpi, or a JSON file"
    )


DEFAULT_LAYOUTS: tuple[Layout, ...] = (
    parse_layout("1200M,hole=1180M+18M"),
    parse_layout("4160M,hole=64M+4032M"),
    parse_layout("4160M,hole=64M+4032M,noacpi"),
)
"""What the main job runs on, cheapest maps that tell the known failures apart: a hole above 1 GiB (the page tables lie
below the top of RAM), two ranges (the table buffer of the second is larger than its use), and the same without ACPI
(nothing maps a page early, so nothing repairs what init_memory_mapping left behind)."""
