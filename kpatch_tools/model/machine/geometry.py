"""The shape of the modelled machine: page-table levels and where the kernel image lies."""

from dataclasses import dataclass

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
WORDS_PER_PAGE = PAGE_SIZE // 8
LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Page-table shape and address-space layout; the defaults are real x86-64 with 4 KiB pages.

    A page is always 4096 bytes. A table has `1 << level_bits` entries, one every `entry_words` 64-bit words: a scaled
    machine has fewer entries, each as far apart as its enlarged C entry type. Addresses are virtual bytes; ranges are
    half-open.
    """

    level_bits: int = 9
    entry_words: int = 1
    reserved_l4_slots: range = range(256, 272)
    """Slots of a top-level table that belong to the hypervisor (empty: none)."""

    kernel_map: int = 0xFFFF_FFFF_8000_0000
    """__START_KERNEL_map: where physical address 0 of the kernel image's mapping lies."""
    page_offset: int = 0xFFFF_8800_0000_0000
    """PAGE_OFFSET: where physical address 0 of the direct mapping lies."""
    image_start: int = 0xFFFF_FFFF_8100_0000
    data_base: int = 0xFFFF_FFFF_8110_0000
    """The data area: globals, strings and the stack; always mapped and writable, whatever the page tables say."""
    data_size: int = 0x40_0000
    image_pages_start: int = 0xFFFF_FFFF_8160_0000
    """Globals that must be real frames (the image's own page tables, fixed pages) are placed from here on."""
    brk_start: int = 0xFFFF_FFFF_8170_0000
    brk_end: int = 0xFFFF_FFFF_8178_0000
    image_end: int = 0xFFFF_FFFF_8180_0000

    def __post_init__(self) -> None:
        if self.entry_words << self.level_bits > WORDS_PER_PAGE:
            raise ValueError("a table of this geometry does not fit into a page")
        if self.data_base % PAGE_SIZE or self.data_size % PAGE_SIZE:
            raise ValueError("the data area must be whole pages")

    @property
    def entries(self) -> int:
        """Entries of one table, of any level."""
        return 1 << self.level_bits

    @property
    def va_bits(self) -> int:
        """Bits of a virtual address that translation uses; the rest repeat the highest of them."""
        return PAGE_SHIFT + LEVELS * self.level_bits

    @property
    def data_end(self) -> int:
        return self.data_base + self.data_size

    def slot(self, va: int, level: int) -> int:
        """The entry number that translates `va` in a table of `level` (1 = L1 … 4 = L4).

        >>> [Geometry().slot(0xFFFF_8800_0000_0000, level) for level in (4, 3, 2, 1)]
        [272, 0, 0, 0]
        """
        return (va >> (PAGE_SHIFT + (level - 1) * self.level_bits)) & (self.entries - 1)

    def span(self, level: int) -> int:
        """Bytes that one entry of a table of `level` covers.

        >>> [hex(Geometry().span(level)) for level in (1, 2, 3)]
        ['0x1000', '0x200000', '0x40000000']
        """
        return 1 << (PAGE_SHIFT + (level - 1) * self.level_bits)

    def is_canonical(self, va: int) -> bool:
        """Whether bits above `va_bits` repeat the sign bit.

        >>> [Geometry().is_canonical(va) for va in (0, 0x8000_0000_0000, 0xFFFF_8000_0000_0000)]
        [True, False, True]
        """
        top = va >> (self.va_bits - 1)
        return top == 0 or top == (1 << (65 - self.va_bits)) - 1


REAL = Geometry()
"""x86-64: four levels of 512 entries; the hypervisor owns L4 slots 256 to 271."""
