"""Walks a stretch of history, and tells from the headers of each commit what it did to hook tables."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.tables.finder import find_hook_tables
from kpatch_tools.tree import CommitData, KernelTree

from .events import Event, find_events
from .headers import HeaderText, read_header
from .journal import HistoryJournal, stretch_key
from .states import Tables, tables_of
from .stretch import CommitEvents, Stretch

Progress = Callable[[str], None]


def header_folders(scope: Sequence[str]) -> tuple[str, ...]:
    """Where the headers of `scope` are, or were: an architecture once had them below include/.

    >>> header_folders(("arch/x86", "drivers"))
    ('arch/x86', 'include/asm-x86', 'drivers')
    """
    folders: list[str] = []
    for folder in (part.strip("/") for part in scope):
        folders.append(folder)
        top, _, architecture = folder.partition("/")
        if top == "arch" and architecture and "/" not in architecture:
            folders.append(f"include/asm-{architecture}")
    return tuple(dict.fromkeys(folders))


class TableHistory:
    """The tables that headers below `scope` declare, at any commit of `tree`; what was read once is kept."""

    def __init__(self, tree: KernelTree, scope: Sequence[str], journal: HistoryJournal | None = None) -> None:
        self.scope = tuple(scope)
        self._tree = tree
        self._journal = journal if journal is not None else HistoryJournal()
        self._headers = tree.gathering(header_folders(scope), self._says_something)
        self._states: dict[tuple[tuple[RepoPath, ObjectId], ...], Tables] = {}
        self._default = cache(self._read_default)

    def tables(self, root: ObjectId) -> Tables:
        """The tables of a root tree."""
        files = self._headers.of(root)
        known = self._states.get(files)
        if known is None:
            known = self._states[files] = tables_of({path: self._header(blob) for path, blob in files})
        return known

    def fork(self, base: ObjectId, tip: ObjectId) -> ObjectId | None:
        """The best common ancestor; None where the two have no history in common."""
        known = self._journal.forks.get((base, tip))
        if known is None and (known := self._tree.merge_base(base, tip)) is not None:
            self._journal.note_fork(base, tip, known)
        return known

    def between(self, old: ObjectId, new: ObjectId) -> tuple[Event, ...]:
        """What differs from one commit to another, as if the second were the first's only child."""
        found = self._events(self._tree.commit(new), (old,))
        self._journal.write()
        return found

    def stretch(
        self, base: ObjectId, tip: ObjectId, *, first_parent: bool = False, progress: Progress = lambda _: None
    ) -> Stretch:
        """The events of the commits that `tip` has and `base` has not; with `first_parent`, of those on the tip's line
        of first parents, each held against the one before.

        KpatchError shallow-history where the repository ends before that.
        """
        key = stretch_key(base=base, tip=tip, scope=self.scope, first_parent=first_parent)
        known = self._journal.stretches.get(key)
        if known is not None:
            return known
        progress("walking the history")
        chosen = tuple(self._line(base, tip) if first_parent else self._touching(base, tip))
        changed: list[CommitEvents] = []
        damaged: dict[Location, None] = {}
        seen: set[int] = set()
        for number, commit in enumerate(chosen):
            if number % 200 == 0:
                progress(f"{number} of {len(chosen)} commits")
            parents = commit.parents[:1] if first_parent else commit.parents
            tables = self.tables(commit.tree)
            if id(tables) not in seen:
                seen.add(id(tables))
                damaged.update(dict.fromkeys(place for table in tables.values() for place in table.damaged))
            events = self._events(commit, parents)
            if events:
                changed.append(CommitEvents(commit.oid, events))
        found = Stretch(tuple(changed), len(chosen), len(seen), tuple(damaged))
        self._journal.note_stretch(key, found)
        self._journal.write()
        return found

    def _events(self, commit: CommitData, parents: Sequence[ObjectId]) -> tuple[Event, ...]:
        now = self.tables(commit.tree)
        before = [self.tables(self._tree.commit(parent).tree) for parent in parents]
        if any(tables is now for tables in before):
            return ()
        first = parents[0] if parents else None
        return find_events(
            before,
            now,
            old_default=lambda table, slot: self._default(first, table).get(slot, "") if first else "",
            new_default=lambda table, slot: self._default(commit.oid, table).get(slot, ""),
        )

    def _touching(self, base: ObjectId, tip: ObjectId) -> Iterator[CommitData]:
        return self._tree.walk(include=(tip,), exclude=(base,), paths=header_folders(self.scope), reverse=True)

    def _line(self, base: ObjectId, tip: ObjectId) -> Iterator[CommitData]:
        """The line of first parents, oldest first: hiding what `base` reaches takes the whole of it, not its line."""
        by_id = {commit.oid: commit for commit in self._tree.walk(include=(tip,), exclude=(base,))}
        line: list[CommitData] = []
        current = by_id.get(tip)
        while current is not None:
            line.append(current)
            current = by_id.get(current.parents[0]) if current.parents else None
        return reversed(line)

    def _says_something(self, name: str, blob: ObjectId) -> bool:
        return name.endswith(".h") and not self._header(blob).is_empty

    def _header(self, blob: ObjectId) -> HeaderText:
        known = self._journal.headers.get(blob)
        if known is None:
            known = read_header(self._tree.blob(blob))
            self._journal.note_header(blob, known)
        return known

    def _read_default(self, commit: ObjectId, table: str) -> dict[str, str]:
        """The default function of each slot of a table."""
        found = find_hook_tables(self._tree.at(commit), table=table, scope=self.scope).tables
        return {slot.path: slot.default.function for slot in found[0].slots if slot.default} if found else {}
