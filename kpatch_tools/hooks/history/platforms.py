"""What to call those who override a slot: told from the names they have themselves."""

import re

from kpatch_tools.hooks.tables.atlas import Reference

_BITS = frozenset({"32", "64"})


def platform_of(reference: Reference, slot: str) -> str:
    """The platform that an override belongs to, by the path of its file.

    It is the outermost folder, else the file, that begins with a word which the installing function or the installed
    one has in its name, too, and the slot (from the table's variable on) has not. Where no name says so, it is the
    file's own.

    >>> from kpatch_tools.core.ids import RepoPath
    >>> from kpatch_tools.core.span import Location
    >>> def override(function, file, within):
    ...     return Reference(function, Location(RepoPath(file), 1, within))
    >>> platform_of(override("xen_reserve", "arch/x86/xen/mmu.c", "xen_init_mmu_ops"), "x86_init.mapping.reserve")
    'xen'
    >>> platform_of(override("pci_xen_init", "arch/x86/pci/xen.c", "pci_xen_init"), "x86_init.pci.arch_init")
    'xen'
    >>> platform_of(override("noop", "arch/x86/kernel/vsmp_64.c", "vsmp_init"), "x86_init.oem.banner")
    'vsmp'
    """
    location = reference.location
    taken = _words(slot)
    names = set(_words(reference.function)) | set(_words(location.function or ""))
    parts = location.file.split("/")
    below = parts[2:] if parts[0] == "arch" else parts[1:]
    components = [*below[:-1], below[-1].rpartition(".")[0] if below else parts[-1]]
    for component in components:
        words = [word for word in _words(component) if word not in _BITS]
        if not words or words[0] not in names or words[0] in taken:
            continue
        kept = [words[0]]
        for word in words[1:]:
            if word not in names:
                break
            kept.append(word)
        while kept[-1] in taken:
            kept.pop()
        return "_".join(kept)
    return "_".join(word for word in _words(components[-1]) if word not in _BITS) or components[-1]


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^0-9A-Za-z]+", name.lower()) if word]
