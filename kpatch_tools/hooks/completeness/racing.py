"""Two functions that fill one slot, and nothing says which comes last."""

import re
from collections import defaultdict
from collections.abc import Iterator

from kpatch_tools.core.finding import Status
from kpatch_tools.hooks.survey.atlas import Put, TableKind

from .finding import Evidence, Flaw, Rule
from .gathering import GatheredSlot
from .view import View

RACING = Rule(
    id="racing-overrides",
    title="two initcalls of one level put different functions into one slot",
    why=(
        "Both run whenever both files are built in, unconditionally; which function stays depends on the order of "
        "linking alone."
    ),
    example="static int __init a_init(void) { machine_ops.restart = a_restart; return 0; }\n"
    "static int __init b_init(void) { machine_ops.restart = b_restart; return 0; }\n"
    "device_initcall(a_init);  /* and in another file */ device_initcall(b_init);",
)
_INITCALL = re.compile(r"^\s*(module_init|\w*_initcall(?:_sync)?)\s*\(\s*(\w+)\s*\)", re.MULTILINE)
_SAME = {"module_init": "device_initcall", "__initcall": "device_initcall"}


def find_racing(slot: GatheredSlot, view: View) -> Iterator[Flaw]:
    """Judged are tables of one variable, and functions of one architecture that are initcalls themselves."""
    if slot.table.kind is not TableKind.OWN:
        return
    levels: dict[tuple[str, str], dict[str, Put]] = defaultdict(dict)
    for put in slot.overrides:
        level = _level(put, view)
        if level and not put.conditional and put.variable and not _may_return_before(put, view):
            levels[level, _part(put.location.file)].setdefault(put.value, put)
    for (level, _), puts in levels.items():
        several = list(puts.values())
        if len({put.location.function for put in several}) < 2:
            continue
        first, *others = several
        yield Flaw(
            rule=RACING,
            status=Status.FAIL,
            type=slot.table.type,
            slot=slot.path,
            subject=first.value,
            location=first.location,
            message=f"{first.variable}.{slot.path} is set to {' and '.join(puts)} by functions of one level, {level}",
            evidence=tuple(Evidence(f"{put.location.function} sets {put.value}", put.location) for put in others),
        )


def _level(put: Put, view: View) -> str:
    """The initcall level that the function around is registered for; "" where it is not."""
    for level, function in _INITCALL.findall(view.code(put.location.file)):
        if function == put.location.function:
            return str(_SAME.get(level, level))
    return ""


def _may_return_before(put: Put, view: View) -> bool:
    """Whether the function has a way out before the line."""
    for back in range(1, 400):
        line = view.line(put.location, back)
        if line.startswith(("{", "}")):
            return False
        if re.search(r"\b(?:return|goto)\b", line):
            return True
    return True


def _part(file: str) -> str:
    """Files of different parts may never be in one kernel; those of drivers may be with any."""
    return "/".join(file.split("/")[:3]) if file.startswith("arch/") else ""
