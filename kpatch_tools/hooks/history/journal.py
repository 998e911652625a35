"""What was read out of headers and told of stretches of history, kept on disk: it never changes.

One line of JSON each, appended as soon as it is known. The file's name has a digest of the code that reads, so another
version of kpt starts another file. A line that is damaged counts as absent; a file that cannot be read or written, or
is deleted, costs time only.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.span import Location

from .events import Event, EventKind
from .headers import Extern, Field, HeaderText, StructText
from .stretch import CommitEvents, Stretch

LIMIT = 64 << 20
"""Bytes. A file that has grown beyond is not read any more, and replaced."""


@dataclass(slots=True)
class HistoryJournal:
    """`headers` by blob, `stretches` by `stretch_key`. Without a `file` nothing outlives the process.

    `forks`: the best common ancestor of two commits that have one; those that have none today may get one with the next
    fetch.
    """

    file: Path | None = None
    headers: dict[ObjectId, HeaderText] = field(default_factory=dict)
    stretches: dict[str, Stretch] = field(default_factory=dict)
    forks: dict[tuple[ObjectId, ObjectId], ObjectId] = field(default_factory=dict)
    _pending: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> "HistoryJournal":
        """The journal of this version of kpt in `folder`."""
        journal = cls(folder / f"{_own_code()}.jsonl")
        assert journal.file is not None
        with suppress(OSError):
            if journal.file.stat().st_size > LIMIT:
                journal.file.unlink()
            with journal.file.open(encoding="utf-8") as lines:
                for line in lines:
                    with suppress(ValueError, KeyError, TypeError, IndexError):
                        journal._take(json.loads(line))
        return journal

    def note_header(self, blob: ObjectId, header: HeaderText) -> None:
        self.headers[blob] = header
        structs = [
            [one.tag, one.damaged, one.line, [[f.path, f.signature, f.tag, f.line] for f in one.fields]]
            for one in header.structs
        ]
        self._note({"blob": blob, "structs": structs, "externs": [[e.name, e.tag, e.line] for e in header.externs]})

    def note_stretch(self, key: str, stretch: Stretch) -> None:
        self.stretches[key] = stretch
        self._note(
            {
                "stretch": key,
                "commits": stretch.commits,
                "states": stretch.states,
                "damaged": [_place(one) for one in stretch.damaged],
                "changed": [[one.commit, [_event(event) for event in one.events]] for one in stretch.changed],
            }
        )

    def note_fork(self, base: ObjectId, tip: ObjectId, fork: ObjectId) -> None:
        self.forks[base, tip] = fork
        self._note({"fork": fork, "of": [base, tip]})

    def write(self) -> None:
        """Put what was noted on disk."""
        if self.file is None or not self._pending:
            return
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write("".join(self._pending))
        self._pending.clear()

    def _note(self, fields: Mapping[str, object]) -> None:
        if self.file is not None:
            self._pending.append(json.dumps(fields, ensure_ascii=True, separators=(",", ":")) + "\n")

    def _take(self, fields: Mapping[str, Any]) -> None:
        if "blob" in fields:
            structs = tuple(
                StructText(tag, tuple(Field(*one) for one in rows), damaged, line)
                for tag, damaged, line, rows in fields["structs"]
            )
            self.headers[ObjectId(fields["blob"])] = HeaderText(structs, tuple(Extern(*e) for e in fields["externs"]))
        elif "fork" in fields:
            base, tip = fields["of"]
            self.forks[ObjectId(base), ObjectId(tip)] = ObjectId(fields["fork"])
        elif "stretch" in fields:
            changed = tuple(
                CommitEvents(ObjectId(oid), tuple(_read_event(row) for row in rows)) for oid, rows in fields["changed"]
            )
            damaged = tuple(_read_place(row) for row in fields["damaged"])
            self.stretches[fields["stretch"]] = Stretch(changed, fields["commits"], fields["states"], damaged)


def stretch_key(*, base: ObjectId, tip: ObjectId, scope: Iterable[str], first_parent: bool) -> str:
    """What tells one stretch of history from any other."""
    return " ".join((base, tip, "first" if first_parent else "all", *scope))


def _place(location: Location) -> list[object]:
    return [location.file, location.line]


def _read_place(row: list[Any]) -> Location:
    return Location(RepoPath(row[0]), int(row[1]))


def _event(event: Event) -> list[object]:
    old = [event.old_table, event.old_slot, event.old_signature]
    doubts = [_place(one) for one in event.doubts]
    return [
        event.kind.value,
        event.table,
        event.slot,
        event.signature,
        *old,
        _place(event.location),
        event.because,
        doubts,
    ]


def _read_event(row: list[Any]) -> Event:
    kind, table, slot, signature, old_table, old_slot, old_signature, place, because, doubts = row
    return Event(
        EventKind(kind),
        table,
        slot,
        signature,
        old_table,
        old_slot,
        old_signature,
        _read_place(place),
        because,
        tuple(_read_place(one) for one in doubts),
    )


@cache
def _own_code() -> str:
    """A digest of the code that reads headers and compares tables."""
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256(f"{version('tree-sitter')} {version('tree-sitter-c')}".encode())
    for room in ("syntax", "hooks/tables", "hooks/history"):
        for path in sorted((package / room).rglob("*.*")):
            if path.suffix in (".py", ".scm"):
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]
