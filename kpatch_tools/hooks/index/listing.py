"""The C files of a source with the ids of their contents, and how to read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay, content_id, is_below
from kpatch_tools.hooks.tables.search import C_SUFFIXES
from kpatch_tools.tree import TreeAt


@dataclass(frozen=True, slots=True)
class Contents:
    """Reads blobs by id: of a tree, and those that are in no repository."""

    tree: TreeAt | None
    others: Mapping[ObjectId, bytes] = field(default_factory=dict)

    def blob(self, oid: ObjectId) -> bytes:
        """KpatchError missing-object."""
        if oid in self.others or self.tree is None:
            return self.others[oid]
        return next(self.tree.blobs((oid,)))

    def reopened(self) -> "Contents":
        return self if self.tree is None else Contents(self.tree.reopened(), self.others)


def list_contents(source: BlobSource, scope: tuple[str, ...]) -> tuple[list[tuple[RepoPath, ObjectId]], Contents]:
    """The C files at or below `scope`, in tree order, and a reader of them."""
    if isinstance(source, TreeAt):
        return [entry for entry in source.entries(*scope) if entry[0].endswith(C_SUFFIXES)], Contents(source)
    if isinstance(source, Overlay):
        entries, contents = list_contents(source.base, scope)
        return _with_changes(entries, contents, source.changes, scope)
    others: dict[ObjectId, bytes] = {}
    found: list[tuple[RepoPath, ObjectId]] = []
    for path in source.paths(*scope):
        data = source.read(path) if path.endswith(C_SUFFIXES) else None
        if data is not None:
            oid = ObjectId(content_id(data))
            others[oid] = data
            found.append((path, oid))
    return found, Contents(None, others)


def _with_changes(
    entries: list[tuple[RepoPath, ObjectId]],
    contents: Contents,
    changes: Mapping[RepoPath, bytes | None],
    scope: tuple[str, ...],
) -> tuple[list[tuple[RepoPath, ObjectId]], Contents]:
    prefixes = tuple(prefix.strip("/") for prefix in scope if prefix.strip("/"))
    others = dict(contents.others)
    changed: dict[RepoPath, ObjectId] = {}
    for path, data in changes.items():
        if data is not None and path.endswith(C_SUFFIXES) and is_below(path, prefixes):
            changed[path] = ObjectId(content_id(data))
            others[changed[path]] = data
    kept = [(path, changed.pop(path, oid)) for path, oid in entries if path not in changes or path in changed]
    return kept + sorted(changed.items()), Contents(contents.tree, others)
