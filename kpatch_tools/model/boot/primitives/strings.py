"""Memory and string functions: lib/string.c and arch/x86/lib, whose assembly cannot run here."""

from kpatch_tools.model.boot.guest import Guest, Primitives
from kpatch_tools.model.layouts import PAGE_SIZE


def primitives(guest: Guest) -> Primitives:
    memory = guest.memory

    def memset(target: int, value: int, count: int) -> int:
        memory.write(target, bytes([value & 0xFF]) * count)
        return target

    def memcpy(target: int, source: int, count: int) -> int:
        memory.write(target, memory.read(source, count))
        return target

    def memcmp(left: int, right: int, count: int) -> int:
        a, b = memory.read(left, count), memory.read(right, count)
        return (a > b) - (a < b)

    def clear_page(target: int) -> None:
        memset(target, 0, PAGE_SIZE)

    def copy_page(target: int, source: int) -> None:
        memcpy(target, source, PAGE_SIZE)

    def strlen(address: int) -> int:
        return len(guest.text(address))

    def strcmp(left: int, right: int) -> int:
        a, b = guest.text(left), guest.text(right)
        return (a > b) - (a < b)

    def strncpy(target: int, source: int, count: int) -> int:
        """Padded with zeros, not ended with one where the text is too long."""
        text = guest.text(source).encode("latin-1")[:count]
        memory.write(target, text + bytes(count - len(text)))
        return target

    return {
        "memset": memset,
        "__memset": memset,
        "memcpy": memcpy,
        "__memcpy": memcpy,
        "__inline_memcpy": memcpy,
        "memmove": memcpy,
        "memcmp": memcmp,
        "clear_page": clear_page,
        "clear_page_c": clear_page,
        "copy_page": copy_page,
        "strlen": strlen,
        "strcmp": strcmp,
        "strncpy": strncpy,
    }
