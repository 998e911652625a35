"""Distinct types for things that must not be mixed up."""

from typing import NewType

ObjectId = NewType("ObjectId", str)
"""A git object id: 40 lower-case hex digits, never abbreviated."""

PatchId = NewType("PatchId", str)
"""What `git patch-id --stable` prints for a diff: 40 hex digits."""

RepoPath = NewType("RepoPath", str)
"""A path inside a tree: relative, `/`-separated, no `.` or `..`; undecodable bytes as surrogates (surrogateescape)."""

Pfn = NewType("Pfn", int)
"""Pseudo-physical frame number: the guest's own numbering, in 4 KiB pages."""

Mfn = NewType("Mfn", int)
"""Machine frame number: Xen's numbering, in 4 KiB pages."""

PhysAddr = NewType("PhysAddr", int)
"""Pseudo-physical byte address."""

VirtAddr = NewType("VirtAddr", int)
"""Virtual byte address, canonical, 0 <= address < 2**64."""
