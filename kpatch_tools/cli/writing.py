"""Writes results to files, whole or not at all."""

import sys
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.files import replace_file


def write_file(name: str, data: bytes) -> None:
    """Write `data` to the file `name` (- is standard output); an interrupted run leaves the old file as it was.

    What is no regular file (/dev/null, a pipe) is written to and never replaced.

    Raises KpatchError "cannot-write".
    """
    if name == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.is_dir():
        raise KpatchError("cannot-write", f"cannot write {path}: it is a folder", hint="name a file with -o")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            replace_file(path, data)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> KpatchError:
    return KpatchError("cannot-write", f"cannot write {path}: {error.strerror}", hint="name another place with -o")
