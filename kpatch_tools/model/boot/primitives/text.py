"""What the kernel says and how it gives up: printk, panic, BUG and WARN (the profile turns the macros into calls)."""

import re

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.boot.guest import Guest, Primitives
from kpatch_tools.model.machine import BugHit, MachineFault, Panic

_CONVERSION = re.compile(r"%([-+ #0]*)(\d+|\*)?(?:\.\d+)?(?:hh|h|ll|l|z|t|L)?([a-zA-Z%])")
_LEVEL = re.compile(r"^(?:<[0-9cd]>|\x01[0-9cd])")
_SIGNED_HALF = 1 << 63


def primitives(guest: Guest) -> Primitives:
    def printk(template: int, *arguments: int) -> int:
        guest.print(_LEVEL.sub("", format_text(guest, template, arguments)).rstrip("\n"))
        return 0

    def snprintf(target: int, size: int, template: int, *arguments: int) -> int:
        text = format_text(guest, template, arguments).encode("latin-1", "replace")
        if size:
            guest.memory.write(target, text[: size - 1] + b"\0")
        return len(text)

    def panic(template: int, *arguments: int) -> None:
        raise Panic(format_text(guest, template, arguments))

    def bug(file: int, line: int, what: int) -> None:
        raise BugHit(guest.text(what), guest.text(file), line)

    def warn(file: int, line: int, what: int) -> int:
        guest.print(f"WARNING: at {guest.text(file)}:{line}: {guest.text(what)}")
        return 1

    return {"__model_printk": printk, "snprintf": snprintf, "panic": panic, "__model_bug": bug, "__model_warn": warn}


def format_text(guest: Guest, template: int, arguments: tuple[int, ...]) -> str:
    """printf over guest memory, as far as early boot messages use it; a bad argument shows as `?`, never fails."""
    rest = iter(arguments)

    def replaced(match: re.Match[str]) -> str:
        flags, width, kind = match[1], match[2], match[3]
        if kind == "%":
            return "%"
        if width == "*":
            width = str(next(rest, 0))
        value = next(rest, None)
        if value is None:
            return "?"
        if kind == "s":
            return _string(guest, value)
        if kind in "di":
            signed = value - (1 << 64) if value >= _SIGNED_HALF else value
            return format(signed, f"{'0' if '0' in flags else ''}{width or ''}d")
        if kind == "c":
            return chr(value & 0xFF)
        alternate = "#" if "#" in flags else ""
        pad = "0" if "0" in flags or kind == "p" else ""
        width = "16" if kind == "p" and not width else width
        return format(value & ((1 << 64) - 1), f"{alternate}{pad}{width or ''}{'d' if kind == 'u' else 'x'}")

    try:
        return _CONVERSION.sub(replaced, guest.text(template))
    except MachineFault:
        return "?"


def _string(guest: Guest, address: int) -> str:
    try:
        return guest.text(address)
    except (MachineFault, KpatchError):
        return "?"
