"""Patches as arguments: a file, a mailbox, or standard input."""

import sys
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.patch import Patch, parse_mbox


def is_patch_argument(argument: str) -> bool:
    """Whether `argument` names a file or standard input, rather than a revision."""
    return argument == "-" or Path(argument).is_file()


def read_bytes(argument: str) -> bytes:
    """What the file holds, or standard input. Raises KpatchError "unreadable-patch"."""
    if argument == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(argument).read_bytes()
    except OSError as error:
        raise KpatchError(
            "unreadable-patch",
            f"cannot read {argument}: {error.strerror}",
            hint="name a readable file, or - for stdin; kpt backport takes a commit",
        ) from error


def read_patches(argument: str) -> tuple[Patch, ...]:
    """Every patch in the file. Raises KpatchError as parse_mbox does."""
    return parse_mbox(read_bytes(argument))
