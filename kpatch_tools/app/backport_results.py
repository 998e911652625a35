"""The file that a queue's results are kept in: one JSON line each, added as they come, and continued by a later run."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kpatch_tools.core.errors import KpatchError

Record = Mapping[str, Any]

TRANSIENT = ("worker-died", "internal-error")
"""Codes of errors that say nothing about the line: a later run does it again, and its record counts."""

_BEGINNING = b'{"id"'


def format_record(record: Record) -> bytes:
    """One line; JSON with nothing but ASCII, so that no reader can trip over an encoding."""
    return json.dumps(record).encode("ascii") + b"\n"


@contextmanager
def results_file(path: Path) -> Iterator[tuple[list[Record], Callable[[Record], None]]]:
    """The records that `path` has already, and what adds one; the file is made if need be.

    Each record is written at once. A last line without an end, which a killed run leaves, is taken off. While the block
    runs no other run can use the file.

    Raises KpatchError "cannot-write", "out-in-use", "out-unreadable" (a line is no record: the file is something else).
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not flock, which forked workers would keep
        except OSError as error:
            raise KpatchError(
                "out-in-use", f"another run writes to {path}", hint="wait for it, or name another file with --out"
            ) from error
        with open(handle, "rb", closefd=False) as file:
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        records = _parse(path, whole)
        if not records and data[: len(_BEGINNING)] != _BEGINNING[: len(data)]:
            raise _unreadable(path, 1)  # not the torn first record of a killed run, but somebody's text
        os.ftruncate(handle, len(whole))
        os.lseek(handle, 0, os.SEEK_END)

        def add(record: Record) -> None:
            line = memoryview(format_record(record))
            try:
                while line:
                    line = line[os.write(handle, line) :]
            except OSError as error:
                raise _cannot_write(path, error) from error

        yield records, add
    finally:
        os.close(handle)


def _parse(path: Path, data: bytes) -> list[Record]:
    records: list[Record] = []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not {"id", "status"} <= set(record):
            raise _unreadable(path, number)
        records.append(record)
    return records


def _unreadable(path: Path, number: int) -> KpatchError:
    return KpatchError(
        "out-unreadable",
        f"{path}: line {number} is no result of a queue",
        hint="it is left as it is: name another file with --out",
    )


def _cannot_write(path: Path, error: OSError) -> KpatchError:
    return KpatchError("cannot-write", f"cannot write {path}: {error.strerror}", hint="name another file with --out")
