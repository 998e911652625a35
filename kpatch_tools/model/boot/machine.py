"""The machine that a kernel is booted on: its configuration, its page-table geometry, and the addresses of a PC."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model.cexec import Profile, Unit
from kpatch_tools.model.layouts import LOW_MEMORY_END, MAX_END
from kpatch_tools.model.machine import PAGE_SIZE, REAL, Geometry

from .profile import PROFILE
from .unit import boot_source

SourceView = Callable[[BlobSource], BlobSource]
"""What the model reads in the place of a tree: the tree itself, but for named changes that keep line numbers."""
UnitCheck = Callable[[Unit, BlobSource], None]
"""(unit, source): KpatchError where a tree, once preprocessed, turns out not to suit the machine."""


def _accept(_unit: Unit, _source: BlobSource) -> None:
    """Every tree suits the real machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """Where the kernel image lies, in pseudo-physical bytes.

    Text from `start`, data and the image's own pages from `pages`, the brk area of `brk_size` bytes at the end;
    `data_size` and `text_size` only place linker symbols. `end` is the usual end of the image, `data_base` the virtual
    address of the data area, which is no guest memory.
    """

    start: int
    pages: int
    end: int
    brk_size: int
    text_size: int
    data_size: int
    data_base: int
    room: int
    """The least size of what lies between `pages` and the brk area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine: all that is the same for every layout. The defaults are a real PC; addresses are bytes.

    `name` is printed with results. `low_end` is where the second part of memory begins (4 GiB), `isa_usable_end` where
    conventional memory ends, `isa_reserved` where the firmware's part of it begins, `isa_end` the end of the hole.
    `acpi_table` is where the firmware's tables lie. `dma_end` bounds ZONE_DMA, `section_size` is that of a section of
    sparse memory, `max_end` the end of the largest memory that is modelled. `overrides` and `config` are what the
    machine adds to any profile: macros that win over the tree's, and CONFIG_ symbols that stand for addresses.
    """

    name: str = "x86-64"
    profile: Profile = PROFILE
    geometry: Geometry = REAL
    image: ImagePlan
    low_end: int = LOW_MEMORY_END
    isa_usable_end: int = 0x9_F000
    isa_reserved: int = 0x9_FC00
    isa_end: int = 0x10_0000
    acpi_table: int = 0xE_0000
    dma_end: int = 0x100_0000
    section_size: int = 1 << 27
    max_end: int = MAX_END
    overrides: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    source: SourceView = field(default=boot_source, repr=False)
    check: UnitCheck = field(default=_accept, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def configuration(self) -> Profile:
        """The profile, with what the machine adds to it."""
        if not self.overrides and not self.config:
            return self.profile
        profile = self.profile.with_overrides(*self.overrides)
        return replace(profile, config={**profile.config, **dict(self.config)})

    @property
    def is_real(self) -> bool:
        """Whether a layout means the same on it as on a PC."""
        return self.geometry.level_bits == REAL.level_bits

    def geometry_for(self, image_end: int | None) -> Geometry:
        """The geometry with an image that ends at `image_end` (None: the usual end). KpatchError bad-layout."""
        image = self.image
        end = image.end if image_end is None else image_end
        if end < image.pages + image.room + image.brk_size or end % PAGE_SIZE:
            raise KpatchError("bad-layout", f"a kernel image that ends at {end:#x} is too small for the model")
        base = self.geometry.kernel_map
        return replace(
            self.geometry,
            image_start=base + image.start,
            data_base=image.data_base,
            image_pages_start=base + image.pages,
            brk_start=base + end - image.brk_size,
            brk_end=base + end,
            image_end=base + end,
        )


REAL_IMAGE = ImagePlan(
    start=0x100_0000,
    pages=0x110_0000,
    end=0x139_7000,
    brk_size=0x10_0000,
    text_size=0x8_0000,
    data_size=0x8_0000,
    data_base=0xFFFF_FFFF_B000_0000,
    room=0x10_0000,
)
"""From 16 MiB to the end of the recorded v2.6.39 kernels, whose size is typical of a small configuration."""

REAL_MACHINE = Machine(image=REAL_IMAGE)
