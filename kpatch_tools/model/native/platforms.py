"""Machines without hypervisor: what their processors can do is all they differ in."""

from collections.abc import Callable

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.platform import Platform
from kpatch_tools.model.boot.profile import NATIVE
from kpatch_tools.model.machine import Geometry, GuestMemory
from kpatch_tools.model.trace import Tracer

from .hardware import Hardware
from .paging import NativePaging
from .primitives import native_primitives
from .stages import STAGES

_PSE = 3
_PGE = 13
_GBPAGES = 32 + 26
"""Bits of CPUID 1 EDX and 8000_0001 EDX, as arch/x86/include/asm/cpufeature.h numbers them in every tree."""


def native_memory(geometry: Geometry) -> GuestMemory:
    return GuestMemory(geometry, paging=NativePaging(geometry))


def _power_on(*features: int) -> Callable[[Guest, Tracer], None]:
    def start(guest: Guest, _tracer: Tracer) -> None:
        guest.frames = Hardware(guest.memory, guest.layout)
        if guest.has_member("boot_cpu_data", "x86_capability"):
            words = guest.member("boot_cpu_data", "x86_capability").address
            for feature in features:
                at = words + feature // 32 * 4
                guest.store(at, 4, guest.load(at, 4) | 1 << feature % 32)

    return start


def _platform(name: str, pages: str, *features: int) -> Platform:
    return Platform(
        name=name,
        stands_for=f"bare x86-64, {pages}",
        profile=NATIVE,
        stages=STAGES,
        primitives=native_primitives,
        start=_power_on(*features),
        memory=native_memory,
        files=(RepoPath("arch/x86/kernel/head64.c"),),
    )


NATIVE_PLATFORM = _platform("native", "2 MiB pages", _PSE, _PGE)
NATIVE_1G = _platform("native-1g", "1 GiB and 2 MiB pages", _PSE, _PGE, _GBPAGES)
NATIVE_4K = _platform("native-4k", "4 KiB pages only", _PGE)

PLATFORMS: tuple[Platform, ...] = (NATIVE_PLATFORM, NATIVE_1G, NATIVE_4K)
