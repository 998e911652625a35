"""The platforms that a kernel can be booted on, by name."""

from kpatch_tools.core.errors import KpatchError

from .boot.on_xen import XEN
from .boot.platform import Platform
from .native.platforms import NATIVE_1G, NATIVE_4K, NATIVE_PLATFORM

PLATFORMS: tuple[Platform, ...] = (XEN, NATIVE_PLATFORM, NATIVE_1G, NATIVE_4K)


def get_platform(name: str) -> Platform:
    """KpatchError "unknown-platform"."""
    for platform in PLATFORMS:
        if platform.name == name:
            return platform
    raise KpatchError(
        "unknown-platform", f"no platform '{name}'", hint=", ".join(platform.name for platform in PLATFORMS)
    )
