"""The miniature, taught what it need not know about bare hardware: entries may be large pages, assembly cannot run."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource

PATH = "arch/x86/mm/init_64.c"
PARAVIRT = "arch/x86/kernel/paravirt.c"
ASSEMBLY = '\tasm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r" (cr3) : : "memory");\n'
FLUSH = "\tcr3 = native_read_cr3();\n\tnative_write_cr3(cr3);\n"
OLD = "\t\tif (!pmd_none(*pmd)) {\n"
NEW = "\t\tif (pmd_val(*pmd) & 0x80)\n\t\t\tcontinue;\n" + OLD

Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]


@pytest.fixture(scope="session")
def bare(miniature: Callable[[str], BlobSource], edited: Edited) -> Callable[[str], BlobSource]:
    """`bare("13")`: the miniature after patch 13, for any machine."""
    return lambda last: edited(miniature(last), {PATH: (OLD, NEW), PARAVIRT: (ASSEMBLY, FLUSH)})
