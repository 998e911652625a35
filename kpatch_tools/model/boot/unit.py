"""Which files of a tree make the unit that boots, and the one change that is made to their text."""

import re
from collections.abc import Iterable, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .profile import CONFIG

FILES: tuple[RepoPath, ...] = tuple(
    RepoPath(path)
    for path in (
        "arch/x86/xen/mmu.c",
        "arch/x86/mm/init.c",
        "arch/x86/mm/init_64.c",
        "arch/x86/mm/ioremap.c",
        "arch/x86/mm/pageattr.c",
        "arch/x86/mm/physaddr.c",
        "arch/x86/mm/pgtable.c",
        "arch/x86/kernel/x86_init.c",
        "arch/x86/kernel/setup.c",
        "arch/x86/kernel/e820.c",
        "arch/x86/xen/multicalls.c",
        "arch/x86/kernel/paravirt.c",
        "mm/init-mm.c",
        "mm/memblock.c",
        "arch/x86/mm/memblock.c",
        "kernel/range.c",
        "lib/sort.c",
        "mm/sparse.c",
        "mm/sparse-vmemmap.c",
        "mm/page_alloc.c",
        "kernel/early_res.c",
        "arch/x86/mm/numa.c",
        "arch/x86/mm/numa_64.c",
    )
)
"""Read in this order; a file that a tree does not have is left out."""

NOBOOTMEM = RepoPath("mm/nobootmem.c")
BOOTMEM = RepoPath("mm/bootmem.c")
"""The early allocator without bootmem stands in the second until v2.6.39 (0932587328d splits it off)."""

_MEMBLOCK = RepoPath("mm/memblock.c")
_EARLY_RES = RepoPath("kernel/early_res.c")
"""Where a tree has the second, the first is not x86's (v2.6.36)."""

_PAGE_ALLOC = RepoPath("mm/page_alloc.c")
_OF_PAGE_ALLOC = re.compile(
    rb"^static [^\n;{]*\blast_active_region_index_in_nid\([^;{]*\{.*?^\}", re.MULTILINE | re.DOTALL
)
"""All that is read of mm/page_alloc.c: whether ranges of memory are searched from the top (1a4a678b12c8)."""

_MM_TYPES = RepoPath("include/linux/mm_types.h")
_INIT_MM = RepoPath("mm/init-mm.c")
_MM_STRUCT = re.compile(rb"^struct mm_struct \{(.*?)^\};", re.MULTILINE | re.DOTALL)
COMPLETED = "__model_completed"
"""Declared in trees whose struct mm_struct the model gave the member `pgd`.

There are vendor trees that only compile with a patch of theirs applied later: init_mm sets a member that struct
mm_struct has under another name. A run of such a tree says so (see `run.ModelRun.profile`).
"""

_SPARSE = RepoPath("mm/sparse.c")
BOUNDED_LOOPS = re.compile(rb"\b(pnum\s*<\s*|pnum_begin\s*,\s*)NR_MEM_SECTIONS\b")
"""Loops over all 2**19 possible memory sections that skip those not present: three quarters of a boot's time.

They are ended after the last present section instead. Sizes (`… * NR_MEM_SECTIONS`) stay what they are, because where
the next allocation lands depends on them.
"""


BUILT_FOR: tuple[tuple[str, str], ...] = (
    ("arch/x86/xen/", "CONFIG_XEN"),
    ("arch/x86/kernel/paravirt.c", "CONFIG_PARAVIRT"),
    ("arch/x86/mm/numa", "CONFIG_NUMA"),
)
"""(path or folder, symbol): what the Makefiles build for a symbol only. What is not named here is always built."""


def boot_files(
    source: BlobSource, config: Mapping[str, str] | None = None, more: tuple[RepoPath, ...] = ()
) -> tuple[RepoPath, ...]:
    """The files of FILES that `source` has, and its early allocator; `more` are read, too.

    Without those that `config` (None: the usual) does not build.
    """
    built_with = CONFIG if config is None else config
    without_bootmem = "CONFIG_NO_BOOTMEM" in built_with and source.read(NOBOOTMEM) is not None
    allocator = NOBOOTMEM if without_bootmem else BOOTMEM
    left_out = tuple(path for path, symbol in BUILT_FOR if symbol not in built_with)
    if source.read(_EARLY_RES) is not None:
        left_out = (*left_out, _MEMBLOCK)
    files = (*FILES, allocator, *more)
    return tuple(path for path in files if not path.startswith(left_out) and source.read(path) is not None)


def boot_source(source: BlobSource) -> BlobSource:
    """`source` with the loops of BOUNDED_LOOPS bounded, and page_alloc.c cut down; lines keep their numbers."""
    changes: dict[RepoPath, bytes | None] = {}
    text = source.read(_SPARSE)
    if text is not None and BOUNDED_LOOPS.search(text):
        changes[_SPARSE] = BOUNDED_LOOPS.sub(rb"\g<1>__model_sections_end()", text)
    text = source.read(_PAGE_ALLOC)
    if text is not None:
        kept = _OF_PAGE_ALLOC.search(text)
        changes[_PAGE_ALLOC] = b"\n" * text.count(b"\n", 0, kept.start()) + kept[0] + b"\n" if kept else b""
    completed = _with_root_table(source)
    if completed is not None:
        changes[_MM_TYPES] = completed
    return Overlay(source, changes) if changes else source


def _with_root_table(source: BlobSource) -> bytes | None:
    """mm_types.h with `pgd` in struct mm_struct, where init_mm sets it and the struct lacks it; else None."""
    text, user = source.read(_MM_TYPES), source.read(_INIT_MM)
    found = _MM_STRUCT.search(text) if text is not None else None
    if text is None or user is None or found is None or not re.search(rb"\.pgd\s*=", user):
        return None
    if re.search(rb"\bpgd\s*;", found[1]):
        return None
    head, body = found.start(), found.start(1)
    return text[:head] + f"extern int {COMPLETED}; ".encode() + text[head:body] + b" pgd_t *pgd;" + text[body:]


def concerns(paths: Iterable[RepoPath]) -> bool:
    """Whether a change of these files can change what boots: a file of the unit, or any header."""
    return any(path in FILES or path in (NOBOOTMEM, BOOTMEM) or path.endswith(".h") for path in paths)
