"""What a kernel boots on, as one value: the stages of its boot, what stands in for C, and who knows the frames."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.cexec import Profile
from kpatch_tools.model.machine import Geometry, GuestMemory
from kpatch_tools.model.trace import Tracer

from .guest import Guest, Primitives
from .stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A machine with or without a hypervisor.

    `name` is what a user types and never changes; `stands_for` says the same in words. `profile` is the configuration
    that a kernel is usually built in for it (None: the machine's). `files` are read besides those that every platform
    reads. `memory` makes the machine's memory and `primitives` what replaces C on it, once per kernel; `start` puts the
    guest's frames in place, once per boot, before the first of the `stages`. A kernel without the CONFIG_ symbols that
    it `needs` does not boot there.
    """

    name: str
    stands_for: str
    stages: tuple[Stage, ...]
    primitives: Callable[[Guest], Primitives]
    start: Callable[[Guest, Tracer], None]
    profile: Profile | None = None
    memory: Callable[[Geometry], GuestMemory] = GuestMemory
    files: tuple[RepoPath, ...] = ()
    needs: tuple[str, ...] = ()
