"""Results kept in a file as they come, so that a sweep that was stopped goes on where it was."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.layouts import Layout
from kpatch_tools.model.oracles import Verdict

from .outcome import Outcome


def layout_key(kernel: str, layout: Layout) -> str:
    """Names one boot: a digest of all that its verdict depends on. `kernel` stands for code, configuration, machine."""
    fields = (kernel, layout.ranges, layout.pages, layout.acpi, layout.numa, layout.image_end)
    return hashlib.sha256(repr(fields).encode()).hexdigest()[:32]


class Journal:
    """Results in a file, one JSON line each. Lines that cannot be read (a torn last one) are passed over.

    Several processes may append at once: a line is one write to a file opened for appending.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mapping[str, Outcome]:
        """What the file has, by key; nothing if there is no such file. KpatchError "journal-unreadable"."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KpatchError("journal-unreadable", f"cannot read {self.path}: {error.strerror}") from error
        return dict(_lines(data))

    def append(self, results: Mapping[str, Outcome]) -> None:
        """Add results. KpatchError "journal-unwritable"."""
        lines = [
            json.dumps([key, item.verdict.value, item.kind, item.stage, item.message]) for key, item in results.items()
        ]
        if not lines:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                # A line of its own whatever a torn write has left.
                os.write(handle, ("\n" + "\n".join(lines) + "\n").encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise KpatchError(
                "journal-unwritable",
                f"cannot write results to {self.path}: {error.strerror}",
                hint="name another file, or set KPT_CACHE_DIR to a folder that is writable",
            ) from error


def _lines(data: bytes) -> Iterator[tuple[str, Outcome]]:
    for line in data.splitlines():
        try:
            key, verdict, kind, stage, message = json.loads(line)
            yield str(key), Outcome(Verdict(verdict), str(kind), str(stage), str(message))
        except (ValueError, TypeError):
            continue
