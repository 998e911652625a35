"""Which of the kernel's macros need masking: names, not versions; an unknown one only costs a parse error, said."""

import re

_PLAIN = rb"""
    asmlinkage | dotraplinkage | notrace | __notrace_funcgraph | __const__
  | NORET_TYPE | noinline(?:_for_stack)? | fastcall
  | __(?:dev|cpu|mem|net_?)?(?:init|exit)(?:data|const|rodata)?(?:_refok|_memblock|_or_module)?
  | __initdata_(?:memblock|or_module|refok) | __exit_refok | __init_task_data | __ref(?:data|const)?
  | __user | __kernel | __iomem | __percpu | __rcu | __force | __nocast | __bitwise__? | __private | __safe
  | __must_check | __always_inline | __always_unused | __maybe_unused | __used | __packed | __pure
  | __weak | __visible | __cold | __hot | __naked | __noreturn | __deprecated | __malloc | __noclone
  | __attribute_const__ | __read_mostly | __ro_after_init | __sched | __lockfunc | __kprobes | __irq_entry
  | __softirq_entry | __cacheline_aligned(?:_in_smp)? | ____cacheline_aligned(?:_in_smp)?
  | ____cacheline_internodealigned_in_smp | __page_aligned_(?:data|bss) | __nosavedata | __vsyscall_fn
  | __section_vsyscall_gtod_data
  | __extension__ | __nostackprotector | __noinline | __latent_entropy | __randomize_layout
"""
_WITH_ARGUMENTS = rb"""
    __attribute__ | __attribute | __section__? | __aligned | __printf | __scanf | __acquires | __releases
  | __must_hold | __assume_aligned | __alloc_size
  | EXPORT_\w*SYMBOL\w*
  | (?:module|core|postcore|arch|subsys|fs|device|late|pure|early|console|security|rootfs)_initcall(?:_sync)?
  | module_(?:init|exit) | __initcall | __exitcall | early_param | __setup | __setup_param
  | late_time_init_call | __early_initcall | IRQCHIP_DECLARE | x86_cpu_dev_register | cpu_dev_register
  | IOMMU_INIT\w* | apic_drivers? | _ASM_EXTABLE\w*
  | MODULE_\w+ | __MODULE_\w+ | module_param\w* | MODULE_PARM_DESC
"""
_PER_CPU = rb"(?:DEFINE|DECLARE)_(?:PER_CPU|EARLY_PER_CPU_READ|INIT_PER_CPU)(?:_\w+)?"
_ITERATOR = rb"""
    \w*for_each(?:_\w+)? | \w*for_all_\w+ | \w*_foreach(?:_\w+)?
  | \w*do_each_\w+ | while_each_\w+ | \w+_walk_frags"""
_TYPE_ARGUMENT_SUFFIX = rb"\w+_entry(?:_rcu)? | \w+_entry_safe | \w*container_of"
_TYPE_ARGUMENT = rb"""
    va_arg | min_t | max_t | clamp_t | typecheck | KMEM_CACHE
  | __builtin_va_arg | FIELD_SIZEOF | field_sizeof
  | PVOP_CALL(?:EE)?\d | sizeof_field | alloc_percpu(?:_gfp)? | __builtin_types_compatible_p | typeof_member
"""
_OFFSETOF = rb"offsetof"
_BITMAP = rb"DECLARE_BITMAP"
_BRK_ARRAY = rb"RESERVE_BRK_ARRAY"
_NAMED = rb"(?:DECLARE|DEFINE)_\w+"
_ATTRIBUTE = rb"\w*(?:DEVICE|DRIVER|CLASS|BUS)_ATTR\w*"
_SYSCALL = rb"(?:COMPAT_)?SYSCALL_DEFINE[1-6]"
_ASM = rb"asm | __asm__ | __asm"
_TYPEOF = rb"(?:__)?typeof(?:__)?"


def _whole(*patterns: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(patterns), re.VERBOSE)


BLANK = _whole(_PLAIN)
"""Expands to an attribute or to nothing."""

BLANK_WITH_ARGUMENTS = _whole(_WITH_ARGUMENTS)
"""The same with arguments, or a registration at top level that declares nothing the file names again."""

PER_CPU = _whole(_PER_CPU)
"""`NAME(type, variable)`: a declaration."""

ITERATOR = _whole(_ITERATOR)
"""`NAME(...) statement`: reads as `while (...) statement`."""

TYPE_ARGUMENT = _whole(_TYPE_ARGUMENT, _TYPE_ARGUMENT_SUFFIX)
"""Called with a type among the arguments."""

TYPEOF = _whole(_TYPEOF)
"""`typeof(expression)`: stands where a type does, and so reads as one."""

OFFSETOF = _whole(_OFFSETOF)
"""The grammar knows it, but with a plain member only."""

BITMAP = _whole(_BITMAP)
"""`NAME(variable, bits)`: an array of `unsigned long`."""

BRK_ARRAY = _whole(_BRK_ARRAY)
"""`NAME(type, variable, count)`: a pointer."""

NAMED = _whole(_NAMED, _ATTRIBUTE)
"""`static NAME(variable, ...)`: declares the variable; with one argument the grammar can read it by itself."""

SYSCALL = _whole(_SYSCALL)
"""`NAME(function, type, parameter, ...)` before a body."""

ASM = _whole(_ASM)
"""Inline assembly, whose operands are sometimes macros."""

_WITHIN = rb"\w*?(?:for_each|for_all_|_foreach|do_each_|_walk_frags|_entry|container_of|_ATTR)\w*"
_ANCHORED = (_PLAIN, _WITH_ARGUMENTS, _PER_CPU, _TYPE_ARGUMENT, _TYPEOF, _OFFSETOF, _BITMAP, _BRK_ARRAY, _NAMED)
CANDIDATE = rb"\b(?:(?:" + b"|".join((*_ANCHORED, _SYSCALL, _ASM, rb"while_each_\w+", _WITHIN)) + rb")\b)"
"""A word that may be any of these, as a part of a verbose pattern; what varies in front is tried only once."""
