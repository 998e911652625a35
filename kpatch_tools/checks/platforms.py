"""Which platforms a tree has: whoever fills slots of a hook table with functions that carry its own name.

`x86_init.paging.pagetable_setup_done = xen_pagetable_setup_done` in arch/x86/xen/mmu.c makes "xen" a platform, because
the folder is called so; `x86_platform.calibrate_tsc = vmware_get_tsc_khz` in arch/x86/kernel/cpu/vmware.c makes
"vmware" one, because the file is. Nothing here is a list of names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.checks.check import Change
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.search import search_source

_SCOPE = ("arch/x86",)
_TABLES = ("x86_init", "x86_platform", "x86_cpuinit", "pv_init_ops", "pv_mmu_ops", "pv_time_ops")
_SHARED = frozenset({"arch", "x86", "kernel", "mm", "pci", "lib", "platform", "cpu", "apic", "acpi", "math"})
"""Folders that belong to no platform."""
_NO_PLATFORM = frozenset(
    {"x86", "native", "default", "early", "generic", "paravirt", "mm", "init", "time", "setup", "irq", "noop"}
)
"""First words of functions that are everybody's."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """`example` is the first slot that the platform fills, "x86_init.oem.arch_setup", of `table`, in `file`."""

    table: str
    example: str
    file: RepoPath


def tokens(name: str) -> tuple[str, ...]:
    """The words of an identifier.

    >>> tokens("xen_pv_domain")
    ('xen', 'pv', 'domain')
    """
    return tuple(part for part in re.split(r"[_\W]+", name) if part)


@lru_cache(maxsize=4)
def overriding_platforms(change: Change) -> Mapping[str, Overrides]:
    """Each platform's word, with a slot that shows it, after the change; empty in a tree without hook tables."""
    found: dict[str, Overrides] = {}
    for table in _TABLES:
        assignment = re.compile(
            rb"^[ \t]*(" + table.encode() + rb"(?:\.\w+)*)[ \t]*=[ \t\n]*([A-Za-z]\w*)[ \t]*;", re.MULTILINE
        )
        for path, data in search_source(change.after, table, _SCOPE).hits:
            if not path.endswith(".c"):
                continue
            for match in assignment.finditer(data):
                slot, function = match.group(1).decode(), match.group(2).decode()
                word = _shared_word(path, function)
                if word:
                    found.setdefault(word, Overrides(table, slot, path))
    return found


def _shared_word(path: RepoPath, function: str) -> str:
    """The word that a file's place and a function's name have in common; empty for none.

    >>> [_shared_word(RepoPath("arch/x86/" + path), name) for path, name in (
    ...     ("xen/mmu.c", "xen_pagetable_setup_done"), ("kernel/cpu/vmware.c", "vmware_get_tsc_khz"),
    ...     ("kernel/kvmclock.c", "kvm_get_wallclock"), ("kernel/amd_iommu_init.c", "amd_iommu_init"),
    ...     ("kernel/apic/x2apic_uv_x.c", "uv_is_untracked"), ("kernel/olpc.c", "pci_olpc_init"),
    ...     ("kernel/aperture_64.c", "gart_iommu_init"), ("kernel/x86_init.c", "x86_init_noop"))]
    ['xen', 'vmware', 'kvm', 'amd_iommu_init', 'uv', 'olpc', '', '']
    """
    words = tokens(function)
    if not words or words[0] in _NO_PLATFORM:
        return ""
    *folders, file = path.split("/")
    own = set(folders) - _SHARED
    stem = tokens(file.rpartition(".")[0])
    if words[0] in own:
        return words[0]
    common = 0
    while common < min(len(words), len(stem)) and words[common] == stem[common]:
        common += 1
    if common and words[0] not in _SHARED:
        return "_".join(words[:common])
    for word in words:
        if word in (own | set(stem)) - _SHARED - _NO_PLATFORM:
            return word
    return words[0] if stem and stem[0].startswith(words[0]) and words[0] not in _SHARED else ""
