"""The configurations that a kernel can be executed in, by name, and variations of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.cexec import Profile

from .profile import NATIVE, PROFILE, with_config

_VARIATIONS: tuple[tuple[str, str, Mapping[str, str | None]], ...] = (
    ("", "", {}),
    ("-bootmem", ", with bootmem", {"CONFIG_NO_BOOTMEM": None}),
    ("-numa", ", with NUMA", {"CONFIG_NUMA": "1"}),
    ("-debug-pagealloc", ", with DEBUG_PAGEALLOC", {"CONFIG_DEBUG_PAGEALLOC": "1"}),
)


@dataclass(frozen=True, slots=True)
class NamedProfile:
    """`profile.name` is what a user types; `about` says in words what it is."""

    profile: Profile
    about: str


def _named() -> tuple[NamedProfile, ...]:
    bases = ((PROFILE, "x86-64, SMP, a dom0 of Xen"), (NATIVE, "x86-64, SMP, without Xen"))
    return tuple(
        NamedProfile(replace(with_config(base, symbols), name=base.name + suffix), about + words)
        for base, about in bases
        for suffix, words, symbols in _VARIATIONS
    )


PROFILES: tuple[NamedProfile, ...] = _named()
"""Without more words: no bootmem allocator, no NUMA, no DEBUG_PAGEALLOC, sparse memory with a virtual memory map."""

_CHANGE = re.compile(r"([+-])(?:CONFIG_)?([A-Z0-9_a-z]+)(?:=(\S+))?")


def parse_profile(text: str) -> Profile:
    """A bundled profile, changed where the name is followed by symbols: `x86_64-xen-pv,+NUMA,-SMP,+NR_CPUS=64`.

    KpatchError "unknown-profile" for another name or a word that is no symbol.
    """
    name, *changes = [word.strip() for word in text.split(",")]
    found = next((one.profile for one in PROFILES if one.profile.name == name), None)
    names = ", ".join(one.profile.name for one in PROFILES)
    if found is None:
        raise KpatchError("unknown-profile", f"no profile '{name}' is bundled", hint=f"bundled: {names}")
    symbols: dict[str, str | None] = {}
    for word in changes:
        match = _CHANGE.fullmatch(word)
        if match is None or (match[1] == "-" and match[3] is not None):
            raise KpatchError("unknown-profile", f"{word!r} is no symbol", hint="say +SYMBOL, +SYMBOL=VALUE or -SYMBOL")
        symbols[f"CONFIG_{match[2]}"] = None if match[1] == "-" else match[3] or "1"
    return replace(with_config(found, symbols), name=text) if symbols else found
