"""Writes results to files, whole or not at all."""

import os
import sys
import tempfile
from pathlib import Path

from kpatch_tools.core.errors import KpatchError


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
    if path.exists() and not path.is_file():
        try:
            path.write_bytes(data)
        except OSError as error:
            raise _cannot_write(path, error) from error
        return
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> KpatchError:
    return KpatchError("cannot-write", f"cannot write {path}: {error.strerror}", hint="name another place with -o")
