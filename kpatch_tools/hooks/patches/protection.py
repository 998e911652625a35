"""What Xen's hook on setting a PTE keeps read-only of the page-table buffer."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, descend, functions, name_of

from .installer import find_installer
from .reading import Files
from .shapes import binary, callee, calls, names_in, unwrapped
from .site import BufferShape, SiteShape
from .spec import HookSpec

_PROTECTORS = frozenset({"pte_wrprotect"})
_WRITABLE = "_PAGE_RW"


class ReadOnlyUpTo(StrEnum):
    """How much of the buffer is kept read-only."""

    END = "end"
    """Pages that are page tables already; not the spare ones."""
    TOP = "top"
    """The whole buffer."""


@dataclass(frozen=True, slots=True)
class Protection:
    """The condition under which a PTE is write-protected because of the page it maps."""

    up_to: ReadOnlyUpTo
    limit: str
    where: Location


def find_protection(files: Files, spec: HookSpec, site: SiteShape, buffer: BufferShape) -> Protection | None:
    """Where the override's file write-protects a PTE because its page is in the buffer; x86-64 code only."""
    found = find_installer(files, spec)
    if found is None:
        return None
    path = found[0]
    for branch in descend(files.known(path).root):
        condition = branch.child_by_field_name("condition") if branch.type == "if_statement" else None
        body = branch.child_by_field_name("consequence")
        if condition is None or body is None or not files.compiled(path, branch):
            continue
        if not any(callee(call) in _PROTECTORS for call in calls(body)):
            continue
        limits = {name for name in _upper_limits(condition) if name in (site.end, buffer.top)}
        if site.start in names_in(condition) and limits:
            up_to = ReadOnlyUpTo.TOP if buffer.top in limits else ReadOnlyUpTo.END
            limit = buffer.top if up_to is ReadOnlyUpTo.TOP else site.end
            return Protection(up_to, limit, files.location(path, branch))
    return None


def left_out_masks(files: Files, path: RepoPath) -> tuple[Location, ...]:
    """Functions of `path` that look at a PTE's writable bit and that an x86-64 build leaves out."""
    return tuple(
        files.location(path, function)
        for function in functions(files.known(path))
        if not files.compiled(path, function) and _WRITABLE in names_in(function)
    )


def _upper_limits(condition: Node) -> Iterator[str]:
    """Names that something is asked to be below: `x < name` and `name > x`."""
    for one in descend(condition):
        parts = binary(one)
        if parts is None or parts[0] not in ("<", ">", "<=", ">="):
            continue
        limit = unwrapped(parts[2] if parts[0].startswith("<") else parts[1])
        if limit.type == "identifier":
            yield name_of(limit)
