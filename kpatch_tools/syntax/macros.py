"""Which of the kernel's macros need masking: names, not versions; an unknown one only costs a parse error, said."""

import re
from enum import Enum, auto
from functools import cache, lru_cache

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


class Kind(Enum):
    """How a macro is to be read."""

    BLANK = auto()
    """Expands to an attribute or to nothing."""

    BLANK_WITH_ARGUMENTS = auto()
    """The same with arguments, or a registration at top level that declares nothing the file names again."""

    PER_CPU = auto()
    """`NAME(type, variable)`: a declaration."""

    SYSCALL = auto()
    """`NAME(function, type, parameter, ...)` before a body."""

    BITMAP = auto()
    """`NAME(variable, bits)`: an array of `unsigned long`."""

    BRK_ARRAY = auto()
    """`NAME(type, variable, count)`: a pointer."""

    NAMED = auto()
    """`static NAME(variable, ...)`: declares the variable; with one argument the grammar can read it by itself."""

    TYPEOF = auto()
    """`typeof(expression)`: stands where a type does, and so reads as one."""

    ITERATOR = auto()
    """`NAME(...) statement`: reads as `while (...) statement`."""

    ASM = auto()
    """Inline assembly, whose operands are sometimes macros."""

    OFFSETOF = auto()
    """The grammar knows it, but with a plain member only."""

    TYPE_ARGUMENT = auto()
    """Called with a type among the arguments."""


# In the order in which they are to be tried: a few names fit more than one.
_KINDS = tuple(
    (kind, re.compile(pattern, re.VERBOSE))
    for kind, pattern in (
        (Kind.BLANK, _PLAIN),
        (Kind.BLANK_WITH_ARGUMENTS, _WITH_ARGUMENTS),
        (Kind.PER_CPU, _PER_CPU),
        (Kind.SYSCALL, _SYSCALL),
        (Kind.BITMAP, _BITMAP),
        (Kind.BRK_ARRAY, _BRK_ARRAY),
        (Kind.NAMED, _NAMED + rb"|" + _ATTRIBUTE),
        (Kind.TYPEOF, _TYPEOF),
        (Kind.ITERATOR, _ITERATOR),
        (Kind.ASM, _ASM),
        (Kind.OFFSETOF, _OFFSETOF),
        (Kind.TYPE_ARGUMENT, _TYPE_ARGUMENT + rb"|" + _TYPE_ARGUMENT_SUFFIX),
    )
)

# Nearly all words of a file are of no kind, and are sorted out together. A pattern is quick if it can begin with a few
# bytes only: the line end before a whole word, or the middle of a word whose beginning varies.
_BEGINNINGS = (
    *(_PLAIN, _WITH_ARGUMENTS, _TYPE_ARGUMENT, _OFFSETOF, _BITMAP, _BRK_ARRAY),
    *(_PER_CPU, _SYSCALL, _NAMED, _ASM, _TYPEOF, rb"while_each_\w+"),
)
_BEGINS = re.compile(rb"\n(?:" + b"|".join(_BEGINNINGS) + rb")(?=\n)", re.VERBOSE)
_CONTAINS = re.compile(rb"for_each|for_all_|do_each_|container_of|_(?:foreach|walk_frags|entry|ATTR)")
_MOST_OTHERS = 1 << 17  # 10 MB


def kinds_among(words: frozenset[bytes]) -> list[tuple[bytes, Kind]]:
    """Those of the identifiers that name a macro of some kind by their look, in no particular order."""
    others = _others()
    new = words - others
    text = b"\n".join((b"", *new, b""))
    looked_at = {match.group()[1:] for match in _BEGINS.finditer(text)}
    for match in _CONTAINS.finditer(text):
        looked_at.add(text[text.rfind(b"\n", 0, match.start()) + 1 : text.index(b"\n", match.end())])
    found = [(word, kind) for word in looked_at if (kind := _kind_of(word)) is not None]
    if len(others) > _MOST_OTHERS:
        others.clear()
    others.update(new.difference(word for word, _ in found))
    return found


@cache
def _others() -> set[bytes]:
    """Words of no kind that were met: nine of ten words of a file were met in others before."""
    return set()


@lru_cache(maxsize=1 << 14)
def _kind_of(word: bytes) -> Kind | None:
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(word)), None)
