"""What a target's source says about the things a hook touches: facts, each with the place it was read at."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import find_function

from .heads import Convention, convention_of
from .installer import find_installer, installed_functions
from .lacks import Lack, Need
from .lookup import declaration_of
from .protection import Protection, find_protection, left_out_masks
from .reading import Files
from .reserve import ReserveFunction, probe_reserve
from .shapes import arguments
from .site import BufferShape, SiteShape, find_buffer, find_caller, find_site
from .spec import HookSpec, load_hook
from .units import Unit, unit_of


@dataclass(frozen=True, slots=True)
class BufferVariable:
    """One of the variables that delimit the page-table buffer. `declared` is its definition; None if not found."""

    name: str
    unit: Unit
    declared: Location | None


@dataclass(frozen=True, slots=True)
class Buffer:
    """Pages from `start` below `end` are page tables, from `end` below `top` spare. `set_up_at`: who sets them."""

    start: BufferVariable
    end: BufferVariable
    top: BufferVariable
    set_up_at: Location


@dataclass(frozen=True, slots=True)
class ReserveSite:
    """Where the kernel reserves what it used of the buffer. `through_slot`: by calling the hook's slot."""

    location: Location
    callee: str
    through_slot: bool


@dataclass(frozen=True, slots=True)
class Visibility:
    """Whether `file` sees a declaration of `name`: where; None if it does not."""

    name: str
    file: RepoPath
    declared: Location | None


@dataclass(frozen=True, slots=True)
class Features:
    """Facts about one target. What is None is explained in `lacks`. `protection`: what Xen keeps read-only."""

    site: ReserveSite | None
    reserve: ReserveFunction | None
    buffer: Buffer | None
    protection: Protection | None
    default_convention: Convention
    override_convention: Convention
    visible: tuple[Visibility, ...]
    lacks: tuple[Lack, ...]

    def sees(self, file: RepoPath, name: str) -> bool:
        """Whether `file` was found to see `name`; False where nobody looked."""
        return any(one.file == file and one.name == name and one.declared is not None for one in self.visible)


def probe_features(source: BlobSource, spec: HookSpec | None = None) -> Features:
    """Read the facts that `spec` (the page-table hook, if not given) depends on from the source itself."""
    return read_features(Files(source), spec if spec is not None else load_hook("pagetable_reserve"))


def read_features(files: Files, spec: HookSpec) -> Features:
    """The same over files that were read already."""
    lacks: list[Lack] = []
    site = find_site(files, spec)
    if site is None:
        lacks.append(_no_site(files, spec))
    shape = find_buffer(files, site) if site is not None else None
    if site is not None and shape is None:
        where = files.location(site.path, site.branch)
        lacks.append(Lack(Need.BUFFER, f"nothing sets {site.start}, {site.end} and an upper limit above them", where))
    reserve, problem = probe_reserve(files, spec, site) if site is not None else (None, "")
    if site is not None and reserve is None:
        lacks.append(Lack(Need.RESERVE, problem, files.location(site.path, site.call)))
    buffer = _buffer(files, site, shape) if site is not None and shape is not None else None
    protection = find_protection(files, spec, site, shape) if site is not None and shape is not None else None
    if shape is not None and protection is None:
        lacks.append(_no_premise(files, spec))
    lacks.extend(_damaged(files, spec, shape))
    lacks.extend(_undefined(files, spec))
    visible = _visible(files, spec, site, buffer)
    return Features(
        site=_site(files, spec, site) if site is not None else None,
        reserve=reserve,
        buffer=buffer,
        protection=protection,
        default_convention=_default_convention(files, shape),
        override_convention=_override_convention(files, spec),
        visible=visible,
        lacks=(*lacks, *_unseen(visible)),
    )


def _damaged(files: Files, spec: HookSpec, shape: BufferShape | None) -> Iterator[Lack]:
    """Functions that the grammar did not understand as a whole: what was read in them may not be all."""
    places = [find_caller(files, spec), find_installer(files, spec)]
    if shape is not None:
        places.append((shape.path, shape.finder))
    for place in places:
        if place is not None and place[1].has_error:
            where = files.location(*place)
            yield Lack(Need.SYNTAX, f"{where.function}() is not understood as C in every line", where)


def _undefined(files: Files, spec: HookSpec) -> Iterator[Lack]:
    """The function that the override acts through, where a prototype outlived its definition: it would not link."""
    name = spec.acts_through
    first, scope = spec.override_file, spec.scope
    if files.find(lambda one: find_function(one, name), name.encode(), first=first, scope=scope) is None:
        yield Lack(Need.DEFINITION, f"nothing defines {name}(), through which the override acts")


def _no_site(files: Files, spec: HookSpec) -> Lack:
    caller = find_caller(files, spec)
    if caller is None:
        return Lack(Need.SITE, f"the tree has no function {spec.call_function}()")
    message = f"{spec.call_function}() reserves no page-table buffer when it is done"
    return Lack(Need.SITE, message, files.location(*caller))


def _no_premise(files: Files, spec: HookSpec) -> Lack:
    """Nothing is read-only that the override could make writable again."""
    found = find_installer(files, spec)
    path = found[0] if found is not None else spec.override_file
    left_out = left_out_masks(files, path) if found is not None else ()
    message = f"nothing in {path} keeps pages of the buffer read-only on x86-64"
    if left_out:
        message += f" ({', '.join(f'{one.function}()' for one in left_out)} is left out there)"
    return Lack(Need.PREMISE, message, left_out[0] if left_out else None)


def _site(files: Files, spec: HookSpec, site: SiteShape) -> ReserveSite:
    return ReserveSite(files.location(site.path, site.call), site.callee, site.callee == spec.path)


def _buffer(files: Files, site: SiteShape, shape: BufferShape) -> Buffer:
    unit = unit_of(site.start, arguments(site.call)[0])
    start, end, top = (
        BufferVariable(name, unit, declaration_of(files, site.path, name, headers=False))
        for name in (site.start, site.end, shape.top)
    )
    return Buffer(start, end, top, files.location(shape.path, shape.finder))


def _visible(files: Files, spec: HookSpec, site: SiteShape | None, buffer: Buffer | None) -> tuple[Visibility, ...]:
    wanted: list[tuple[RepoPath, str]] = []
    if site is not None:
        wanted.extend(((site.path, spec.table), (site.path, "PFN_PHYS")))
    override = spec.override_file
    if (found := find_installer(files, spec)) is not None:
        override = found[0]
        wanted.extend((override, name) for name in (spec.table, spec.acts_through, "PFN_PHYS"))
        if buffer is not None:
            wanted.extend((override, one.name) for one in (buffer.end, buffer.top))
    return tuple(Visibility(name, file, declaration_of(files, file, name)) for file, name in wanted)


def _unseen(visible: tuple[Visibility, ...]) -> tuple[Lack, ...]:
    """PFN_PHYS can be spelled out; everything else must be there."""
    return tuple(
        Lack(Need.VISIBILITY, f"{one.file} sees no declaration of {one.name}")
        for one in visible
        if one.declared is None and one.name != "PFN_PHYS"
    )


def _default_convention(files: Files, shape: BufferShape | None) -> Convention:
    if shape is None:
        return Convention()
    return convention_of(files.known(shape.path), shape.finder, files.location(shape.path, shape.finder))


def _override_convention(files: Files, spec: HookSpec) -> Convention:
    """As the function that the installer sets first, for it will be the neighbour."""
    found = find_installer(files, spec)
    if found is None:
        return Convention()
    for definition in installed_functions(files, spec.table, *found):
        return convention_of(files.known(found[0]), definition, files.location(found[0], definition))
    return Convention()
