"""The version of the kernel that a verb works on."""

from collections.abc import Sequence

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import Patch, Reject, apply_patch
from kpatch_tools.tree import KernelTree, Revision

_MARKS = ("Makefile", "include/linux", "arch")
"""What every kernel tree has had since 2.6.12, vendor imports and partial ones included, at least two of three."""


def kernel_at(tree: KernelTree, spelled: str) -> Revision:
    """The revision, which must hold a kernel tree.

    Raises KpatchError "unknown-revision", "not-a-commit", "shallow-history", and "not-a-kernel-tree".
    """
    revision = tree.resolve(spelled)
    source = tree.at(revision)
    if sum(next(source.paths(mark), None) is not None for mark in _MARKS) < 2:
        raise KpatchError(
            "not-a-kernel-tree",
            f"{spelled} of {tree.path} holds no kernel source",
            hint="name the kernel's repository with --repo PATH, or set KPT_LINUX_GIT and stand outside of this one",
        )
    return revision


def patched(source: BlobSource, patch: Patch, spelled: str) -> BlobSource:
    """The tree at `spelled` with `patch` applied in memory.

    Raises KpatchError "patch-does-not-apply" naming the first reject.
    """
    result = apply_patch(patch.files, source)
    if result.rejects:
        first = result.rejects[0]
        raise KpatchError(
            "patch-does-not-apply", f"{first.file.path}: {first.reason}", hint=f"kpt apply … --to {spelled}"
        )
    return Overlay(source, result.changes)


def require_files(source: BlobSource, spelled: str, rejects: Sequence[Reject]) -> None:
    """Raises KpatchError "file-absent" where a patch changes a file that the target does not have, and "not-a-file"
    where something else than a file is in its way.

    The hint names files of the same name elsewhere in the target.
    """
    blocked = next((reject for reject in rejects if reject.code == "not-a-file"), None)
    if blocked is not None:
        raise KpatchError(
            "not-a-file",
            f"{spelled}: {blocked.reason}, and the patch changes {blocked.file.path}",
            hint="kpt follows no link and replaces nothing but files: correct the patch's paths, or do it by hand",
        )
    absent = next((reject.file.path for reject in rejects if reject.code == "file-absent"), None)
    if absent is None:
        return
    name = "/" + absent.rpartition("/")[2]
    near = [path for path in source.paths() if ("/" + path).endswith(name)][:3]
    raise KpatchError(
        "file-absent",
        f"{spelled} has no file {absent}",
        hint=f"of that name it has {', '.join(near)}" if near else "kpt backport says whether it is needed there",
    )
