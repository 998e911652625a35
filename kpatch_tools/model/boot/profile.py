"""The configuration that a tree is modelled in, as one printable value.

Chosen like the kernels of the boot records: x86-64, SMP with split page-table locks, Xen dom0, no NUMA, no bootmem
allocator, sparse memory with a virtual memory map. A symbol that a tree does not know does no harm.
"""

from collections.abc import Mapping
from dataclasses import replace

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.cexec import COMPILER, Profile

NAME = "x86_64-xen-pv"

_ENABLED = """
64BIT ACPI ARCH_DISCARD_MEMBLOCK ARCH_DMA_ADDR_T_64BIT ARCH_HAVE_MEMORY_PRESENT ARCH_PHYS_ADDR_T_64BIT
ARCH_POPULATES_NODE_MAP BLK_DEV_INITRD BLOCK BUG DIRECT_GBPAGES GENERIC_CLOCKEVENTS GENERIC_FIND_FIRST_BIT
GENERIC_HARDIRQS GENERIC_HWEIGHT HAVE_LATENCYTOP_SUPPORT HAVE_MEMBLOCK HAVE_MEMBLOCK_NODE_MAP HAVE_MEMORY_PRESENT
HIGH_RES_TIMERS HOTPLUG INET MMU MTRR NET NO_BOOTMEM PARAVIRT PARAVIRT_GUEST PCI PHYS_ADDR_T_64BIT PRINTK PROC_FS SLUB
SMP SPARSEMEM SPARSEMEM_ALLOC_MEM_MAP_TOGETHER SPARSEMEM_EXTREME SPARSEMEM_MANUAL SPARSEMEM_VMEMMAP
SPARSEMEM_VMEMMAP_ENABLE SPARSE_IRQ SYSFS TRACE_IRQFLAGS_SUPPORT TREE_RCU USE_GENERIC_SMP_HELPERS X86 X86_64
X86_CMPXCHG X86_IO_APIC X86_LOCAL_APIC X86_PAT X86_TSC X86_USE_CMPXCHG X86_WP_WORKS_OK XEN XEN_DOM0
HAVE_EARLY_RES XEN_PRIVILEGED_GUEST XEN_PVHVM ZONE_DMA ZONE_DMA32
"""
_VALUES = {
    "BASE_SMALL": "0",
    "DEFAULT_HOSTNAME": '"model"',
    "HZ": "250",
    "ILLEGAL_POINTER_VALUE": "0xdead000000000000",
    "LOG_BUF_SHIFT": "17",
    "NODES_SHIFT": "0",
    "NR_CPUS": "8",
    "OUTPUT_FORMAT": '"elf64-x86-64"',
    "PAGE_OFFSET": "0xffff880000000000",
    "PGTABLE_LEVELS": "4",
    "PHYSICAL_ALIGN": "0x1000000",
    "PHYSICAL_START": "0x1000000",
    "RCU_FANOUT": "64",
    "SPLIT_PTLOCK_CPUS": "4",
    "X86_INTERNODE_CACHE_SHIFT": "6",
    "X86_L1_CACHE_SHIFT": "6",
    "X86_MINIMUM_CPU_FAMILY": "64",
    "X86_RESERVE_LOW": "64",
    "XEN_MAX_DOMAIN_MEMORY": "128",
}
CONFIG: dict[str, str] = {f"CONFIG_{name}": "1" for name in _ENABLED.split()} | {
    f"CONFIG_{name}": value for name, value in _VALUES.items()
}

_UNSET = """
DEBUG_PAGEALLOC DISCONTIGMEM FLATMEM HAVE_ARCH_BOOTMEM HAVE_ARCH_PFN_VALID HIGHMEM KMEMCHECK MEMORY_FAILURE
MEMORY_HOTPLUG MEMORY_HOTREMOVE NUMA X86_32 X86_F00F_BUG X86_PAE XEN_DEBUG
"""
UNSET: frozenset[str] = frozenset(f"CONFIG_{name}" for name in _UNSET.split())
"""Known not to be set. Of what is neither here nor in CONFIG, a run says that it is unknown, where it matters."""

PREDEFINED: dict[str, str] = {
    **COMPILER.predefined,
    "__KERNEL__": "1",
    "KBUILD_MODNAME": '"model"',
    "KBUILD_BASENAME": '"model"',
    "KBUILD_STR(s)": "#s",
    "NULL": "((void *)0)",
}

INCLUDE_DIRS = (
    "arch/x86/include",
    "arch/x86/include/generated",
    "include",
    "arch/x86/include/uapi",
    "arch/x86/include/generated/uapi",
    "include/uapi",
    "include/generated/uapi",
)

_VERSION = b"#define LINUX_VERSION_CODE 0x020627\n#define KERNEL_VERSION(a,b,c) (((a) << 16) + ((b) << 8) + (c))\n"
_SYSCALLS = b"#define NR_syscalls 320\n#define __NR_syscall_max 319\n"
_BOUNDS = b"#define NR_PAGEFLAGS 25\n#define MAX_NR_ZONES 4\n#define NR_PCG_FLAGS 8\n#define SPINLOCK_SIZE 4\n"
VIRTUAL_FILES: dict[RepoPath, bytes] = {
    RepoPath(path): content
    for path, content in {
        # the compiler's own
        "include/stdarg.h": b"typedef void *va_list;\n",
        # written by kbuild
        "arch/x86/include/generated/asm/unistd_64.h": _SYSCALLS,
        "include/asm-generic/unistd_64.h": b"",
        "include/generated/asm-offsets.h": b"",
        "include/generated/autoconf.h": b"",
        "include/generated/bounds.h": _BOUNDS,
        "include/generated/compile.h": b"",
        "include/generated/uapi/linux/version.h": _VERSION,
        "include/generated/utsrelease.h": b'#define UTS_RELEASE "model"\n',
        "include/linux/autoconf.h": b"",
        "include/linux/bounds.h": _BOUNDS,
        "arch/x86/include/asm/asm-offsets.h": b"",
        "include/linux/version.h": _VERSION,
    }.items()
}

_NOTHING = """
asmlinkage noinline EXPORT_SYMBOL(x) EXPORT_SYMBOL_GPL(x) EXPORT_UNUSED_SYMBOL(x) EXPORT_SYMBOL_GPL_FUTURE(x)
EXPORT_PER_CPU_SYMBOL(x) EXPORT_PER_CPU_SYMBOL_GPL(x) PV_CALLEE_SAVE_REGS_THUNK(f) early_param(a,b) __setup(a,b)
early_initcall(f) core_initcall(f) late_initcall(f) fs_initcall(f) module_init(f) device_initcall(f) arch_initcall(f)
subsys_initcall(f) postcore_initcall(f) BUILD_BUG_ON(c) BUILD_BUG_ON_MSG(c,m) BUILD_BUG_ON_NOT_POWER_OF_2(c)
MAYBE_BUILD_BUG_ON(c) VIRTUAL_BUG_ON(c) VM_BUG_ON(c) barrier() mb() rmb() wmb() smp_mb() smp_rmb() smp_wmb()
cpu_relax() preempt_disable() preempt_enable() preempt_enable_no_resched() local_irq_disable() local_irq_enable()
spin_lock(l) spin_unlock(l) spin_lock_irqsave(l,f) spin_unlock_irqrestore(l,f) dump_stack() va_start(a,b) va_end(a)
put_cpu_var(v)
"""
"""Macros without meaning here: module and init tables, build-time tests, barriers, locks of a single CPU."""

_VALUED = """
BUILD_BUG_ON_ZERO(c) 0
BUILD_BUG_ON_NULL(c) 0
__must_be_array(a) 0
PV_CALLEE_SAVE(f) ((struct paravirt_callee_save) { f })
__PV_IS_CALLEE_SAVE(f) ((struct paravirt_callee_save) { f })
BUG() __model_bug(__FILE__,__LINE__,"BUG")
BUG_ON(c) do { if (c) __model_bug(__FILE__,__LINE__,"BUG_ON"); } while (0)
WARN_ON(c) ((c) ? __model_warn(__FILE__,__LINE__,#c) : 0)
WARN_ON_ONCE(c) ((c) ? __model_warn(__FILE__,__LINE__,#c) : 0)
WARN_ONCE(c,...) ((c) ? __model_warn(__FILE__,__LINE__,#c) : 0)
WARN(c,...) ((c) ? __model_warn(__FILE__,__LINE__,#c) : 0)
printk(...) __model_printk(__VA_ARGS__)
printk_once(...) __model_printk(__VA_ARGS__)
local_irq_save(f) ((f) = 0)
local_irq_restore(f) ((void)(f))
percpu_read(v) (v)
percpu_write(v,x) ((v) = (x))
percpu_read_stable(v) (v)
this_cpu_read(v) (v)
this_cpu_write(v,x) ((v) = (x))
__this_cpu_read(v) (v)
__this_cpu_write(v,x) ((v) = (x))
this_cpu_ptr(p) (p)
__this_cpu_ptr(p) (p)
__get_cpu_var(v) (v)
get_cpu_var(v) (v)
per_cpu(v,c) (v)
DECLARE_PER_CPU_SECTION(t,n,s) extern __typeof__(t) n
DEFINE_PER_CPU_SECTION(t,n,s) __typeof__(t) n
current ((struct task_struct *)__model_current())
smp_processor_id() 0
raw_smp_processor_id() 0
PVOP_CALL0(r,op) ((r)(op)())
PVOP_CALL1(r,op,a) ((r)(op)(a))
PVOP_CALL2(r,op,a,b) ((r)(op)(a,b))
PVOP_CALL3(r,op,a,b,c) ((r)(op)(a,b,c))
PVOP_CALL4(r,op,a,b,c,d) ((r)(op)(a,b,c,d))
PVOP_VCALL0(op) ((void)(op)())
PVOP_VCALL1(op,a) ((void)(op)(a))
PVOP_VCALL2(op,a,b) ((void)(op)(a,b))
PVOP_VCALL3(op,a,b,c) ((void)(op)(a,b,c))
PVOP_VCALL4(op,a,b,c,d) ((void)(op)(a,b,c,d))
PVOP_CALLEE0(r,op) ((r)(op.func)())
PVOP_CALLEE1(r,op,a) ((r)(op.func)(a))
PVOP_CALLEE2(r,op,a,b) ((r)(op.func)(a,b))
PVOP_VCALLEE0(op) ((void)(op.func)())
PVOP_VCALLEE1(op,a) ((void)(op.func)(a))
PVOP_VCALLEE2(op,a,b) ((void)(op.func)(a,b))
min(x,y) ((x) < (y) ? (x) : (y))
max(x,y) ((x) > (y) ? (x) : (y))
"""
"""Macros over inline assembly, GNU extensions or per-CPU segments, and what they come to on one CPU."""

OVERRIDES: tuple[str, ...] = (
    *COMPILER.overrides,
    *_NOTHING.split(),
    *(line for line in _VALUED.splitlines() if line),
)

PROFILE = Profile(
    name=NAME,
    config=CONFIG,
    predefined=PREDEFINED,
    overrides=OVERRIDES,
    undefinable=COMPILER.undefinable,
    include_dirs=INCLUDE_DIRS,
    virtual_files=VIRTUAL_FILES,
    unset=UNSET,
)

_IMPLIED: dict[tuple[str, bool], dict[str, str | None]] = {
    ("CONFIG_SMP", False): {
        "CONFIG_NR_CPUS": "1",
        "CONFIG_TREE_RCU": None,
        "CONFIG_TINY_RCU": "1",
        "CONFIG_USE_GENERIC_SMP_HELPERS": None,
    },
    ("CONFIG_NUMA", True): {
        "CONFIG_ACPI_NUMA": "1",
        "CONFIG_AMD_NUMA": "1",
        "CONFIG_K8_NUMA": "1",
        "CONFIG_NEED_MULTIPLE_NODES": "1",
        "CONFIG_NODES_SHIFT": "6",
        "CONFIG_USE_PERCPU_NUMA_NODE_ID": "1",
        "CONFIG_X86_64_ACPI_NUMA": "1",
    },
    ("CONFIG_SPARSEMEM_VMEMMAP", False): {"CONFIG_SPARSEMEM_VMEMMAP_ENABLE": "1"},
}
"""What Kconfig derives from a symbol that is set, or not set: `select` and `default` of arch/x86 and mm."""


def with_config(profile: Profile, symbols: Mapping[str, str | None]) -> Profile:
    """`profile` with `symbols` (with CONFIG_) set to a value, as C sees it, or not set (None), and what follows.

    What is named in `symbols` wins over what is derived. The name says what differs; without a difference it is the
    same profile.
    """
    changed: dict[str, str | None] = {}
    for name, value in symbols.items():
        if profile.config.get(name) != value:
            changed.update(_IMPLIED.get((name, value is not None), {}))
    changed.update(symbols)
    changed = {name: value for name, value in changed.items() if profile.config.get(name) != value}
    unset = profile.unset | {name for name, value in {**changed, **symbols}.items() if value is None}
    if not changed:
        return profile if unset == profile.unset else replace(profile, unset=unset)
    config = {name: value for name, value in {**profile.config, **changed}.items() if value is not None}
    said = ", ".join(f"{name} {'not set' if (value := symbols[name]) is None else f'= {value}'}" for name in symbols)
    return replace(profile, name=f"{profile.name}; {said}", config=config, unset=unset - config.keys())


_XEN = ("XEN", "XEN_DOM0", "XEN_MAX_DOMAIN_MEMORY", "XEN_PRIVILEGED_GUEST", "XEN_PVHVM")

NATIVE = replace(with_config(PROFILE, {f"CONFIG_{name}": None for name in _XEN}), name="x86_64-native")
"""The same without Xen. Paravirtual operations stay: their native defaults are what runs."""
