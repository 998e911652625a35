"""Enough of a kernel to compile one file of it, for any test that has gcc look at what was written.

The scratch folder holds the headers that the file includes, and in place of what the kernel's build would generate a
small configuration and wrappers.
"""

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax.includes import Includes

CONFIG = """\
X86 X86_64 64BIT MMU SMP NUMA SPARSEMEM SPARSEMEM_MANUAL SPARSEMEM_EXTREME SPARSEMEM_VMEMMAP HAVE_MEMBLOCK NO_BOOTMEM
HAVE_MEMORY_PRESENT NEED_MULTIPLE_NODES NEED_NODE_MEMMAP_IO ARCH_POPULATES_NODE_MAP HAVE_MEMBLOCK_NODE_MAP
FLAT_NODE_MEM_MAP X86_LOCAL_APIC X86_IO_APIC X86_TSC X86_CMPXCHG X86_CMPXCHG64 X86_XADD X86_WP_WORKS_OK X86_PAT MTRR
ACPI PCI PM SLUB PARAVIRT PARAVIRT_GUEST PARAVIRT_CLOCK XEN XEN_DOM0 XEN_PVHVM XEN_PRIVILEGED_GUEST MODULES PRINTK BUG
GENERIC_BUG BLOCK ARCH_USES_PG_UNCACHED GENERIC_HARDIRQS GENERIC_TIME GENERIC_CLOCKEVENTS HIGH_RES_TIMERS NO_HZ
TICK_ONESHOT HOTPLUG ZONE_DMA ZONE_DMA32 PHYS_ADDR_T_64BIT ARCH_PHYS_ADDR_T_64BIT ARCH_DMA_ADDR_T_64BIT DEBUG_KERNEL
RWSEM_XCHGADD_ALGORITHM DEBUG_FS PROC_FS SYSFS BLK_DEV_INITRD INET NET TREE_RCU TRACEPOINTS COMPAT IA32_EMULATION
GENERIC_FIND_FIRST_BIT GENERIC_ISA_DMA TRACE_IRQFLAGS_SUPPORT PCI_DOMAINS X86_UV X86_X2APIC X86_MRST X86_INTEL_MID
X86_TRAMPOLINE X86_64_SMP SERIO_I8042 X86_EXTENDED_PLATFORM INTR_REMAP DMAR APB_TIMER X86_MPPARSE PCI_DIRECT
"""
VALUES = """\
HZ=250 NR_CPUS=8 NODES_SHIFT=6 X86_L1_CACHE_SHIFT=6 X86_INTERNODE_CACHE_SHIFT=6 BASE_SMALL=0 LOG_BUF_SHIFT=17
PHYSICAL_START=0x1000000 PHYSICAL_ALIGN=0x1000000 SPLIT_PTLOCK_CPUS=4 PAGE_OFFSET=0xffff880000000000 RCU_FANOUT=64
RCU_FANOUT_LEAF=16 DEFAULT_MMAP_MIN_ADDR=65536 X86_MINIMUM_CPU_FAMILY=64 FRAME_WARN=2048 OUTPUT_FORMAT="elf64-x86-64"
ILLEGAL_POINTER_VALUE=0xdead000000000000 XEN_MAX_DOMAIN_MEMORY=500 XEN_SAVE_RESTORE=1 BASE_FULL=1
X86_RESERVE_LOW=64
"""
BOUNDS = "#define NR_PAGEFLAGS 25\n#define MAX_NR_ZONES 4\n#define NR_PCG_FLAGS 3\n"
FOLDERS = (
    "arch/x86/include",
    "arch/x86/include/uapi",
    "generated/arch",
    "include",
    "include/uapi",
    "generated",
)
MISSING = re.compile(r"fatal error: ([^:]+): No such file or directory")
DIAGNOSTIC = re.compile(r"^(?:In file included from |\s+from )|^[^:\s]+: (?:In function|At top level)")


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder that holds enough of one revision to compile some of its files."""

    source: BlobSource
    folder: Path

    def prepare(self, files: tuple[RepoPath, ...]) -> None:
        self._put("generated/generated/autoconf.h", _autoconf())
        self._put("generated/generated/bounds.h", BOUNDS)
        self._put("generated/linux/bounds.h", BOUNDS)
        major = gcc("-dumpversion").split(".")[0]
        self._put(f"generated/linux/compiler-gcc{major}.h", "#include <linux/compiler-gcc4.h>\n")
        self._put("generated/linux/version.h", "#define LINUX_VERSION_CODE 132646\n")
        includes = Includes(self.source)
        for file in files:
            for path in (file, *includes.closure(file).headers):
                self._copy(path)

    def diagnostics(self, file: RepoPath) -> Counter[str]:
        """What gcc says about the file, line numbers left out; headers that only a build makes are stood in for."""
        for _ in range(200):
            said = self._compile(file)
            missing = MISSING.search(said)
            if missing is None:
                return Counter(_without_lines(line) for line in said.splitlines() if _tells(line))
            self._stand_in(missing.group(1))
        raise AssertionError(f"{file}: too many headers are missing")

    def _compile(self, file: RepoPath) -> str:
        flags = [f"-I{folder}" for folder in FOLDERS]
        command = [
            *(
                "gcc",
                "-fsyntax-only",
                "-nostdinc",
                "-isystem",
                gcc("-print-file-name=include"),
                *flags,
                "-D__KERNEL__",
                "-std=gnu89",
            ),
            *("-include", "generated/autoconf.h", "-Wall", "-Wundef", "-Wstrict-prototypes", "-Wno-trigraphs"),
            *("-fno-strict-aliasing", "-mcmodel=kernel", "-mno-sse", "-fno-pic", "-O2", "-fmax-errors=0"),
            *("-fdiagnostics-color=never", "-fno-diagnostics-show-caret", f"-I{Path(file).parent}"),
            *("-DKBUILD_STR(s)=#s", "-DKBUILD_BASENAME=KBUILD_STR(x)", "-DKBUILD_MODNAME=KBUILD_STR(x)", file),
        ]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stderr

    def _stand_in(self, name: str) -> None:
        """A wrapper around the generic header of that name, as the build makes it; or an empty header."""
        base = name.rpartition("/")[2]
        for folder in ("include/asm-generic", "include/uapi/asm-generic", "include"):
            path = RepoPath(f"{folder}/{base if folder != 'include' else name}")
            data = self.source.read(path)
            if data is not None:
                self._copy(path)
                self._put(f"generated/{name}", f"#include <{path.removeprefix('include/').removeprefix('uapi/')}>\n")
                return
        self._put(f"generated/{name}", "")

    def _copy(self, path: RepoPath) -> None:
        data = self.source.read(path)
        if data is not None:
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def _put(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def gcc(question: str) -> str:
    """What gcc answers to an option that asks it about itself."""
    return subprocess.run(["gcc", question], capture_output=True, text=True, check=True).stdout.strip()


def _autoconf() -> str:
    flags = "".join(f"#define CONFIG_{name} 1\n" for name in CONFIG.split())
    return flags + "".join(f"#define CONFIG_{one.replace('=', ' ', 1)}\n" for one in VALUES.split())


def _tells(line: str) -> bool:
    return bool(line.strip()) and DIAGNOSTIC.search(line) is None


def _without_lines(line: str) -> str:
    return re.sub(r":\d+(?::\d+)?:", ":", line)


@pytest.fixture
def scratch() -> type[Scratch]:
    """`scratch(source, folder)`; then `prepare(files)` and, for each, `diagnostics(file)`."""
    return Scratch
