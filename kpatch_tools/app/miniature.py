"""The embedded miniature kernel: reviewable files in, a git repository out.

fixtures/miniature holds a base tree and a series of patches; its README tells the story. The repository is built once
per state of these files and kept in a cache folder under a name made of their digest, so that a changed fixture is a
new repository and an old one is never written to.
"""

import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch.apply import apply_patch
from kpatch_tools.patch.parse import parse_patch
from kpatch_tools.patch.values import Person
from kpatch_tools.resources import data_dir
from kpatch_tools.tree import Folder, KernelTree, Signature

_FORMAT = b"1"
"""Part of the digest: raised when the same fixture files become another repository."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One commit to be."""

    files: Mapping[RepoPath, bytes | None]
    message: bytes
    author: Signature
    tags: tuple[str, ...]


def build_miniature(cache_dir: Path, *, fixture: Path | None = None) -> Path:
    """The bare repository of the miniature kernel below `cache_dir`, built if it is not there yet.

    Safe when two processes build at once: each builds aside and one rename wins. The commits have the same ids
    wherever they are built. `fixture` (default: the bundled one) is a folder with manifest.toml, base/ and series/.

    Raises KpatchError: cache-not-writable; broken-fixture where a patch of the series does not apply.
    """
    source = data_dir("fixtures") / "miniature" if fixture is None else fixture
    target = cache_dir / f"miniature-{_digest(source)}.git"
    if target.is_dir():
        return target
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".miniature-", dir=cache_dir))
    except OSError as error:
        raise KpatchError(
            "cache-not-writable",
            f"the miniature kernel cannot be built in {cache_dir}: {error.strerror}",
            hint="make that folder writable, or set XDG_CACHE_HOME to one that is",
        ) from error
    try:
        _build(source, aside / "repository")
        _move(aside / "repository", target)
        _remove_siblings(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _move(built: Path, target: Path) -> None:
    try:
        built.rename(target)
    except OSError:
        # Somebody else was faster; what is there was built from the same files.
        if not target.is_dir():
            raise


def _remove_siblings(target: Path) -> None:
    """Repositories of other states of the fixture, which nobody will ask for again.

    Each is renamed aside first: whoever looks for it finds it whole, or not at all. What people put into one (a branch)
    is theirs: such a repository stays, and so does what cannot be moved.
    """
    for old in target.parent.glob("miniature-*.git"):
        if old == target or old.is_symlink() or not old.is_dir() or _is_used(old):
            continue
        with suppress(OSError):
            aside = Path(tempfile.mkdtemp(prefix=".miniature-", dir=target.parent))
            try:
                old.rename(aside / "repository")
            finally:
                shutil.rmtree(aside, ignore_errors=True)


def _is_used(repository: Path) -> bool:
    """Whether it has more branches than it was built with, or cannot be read."""
    try:
        return len(KernelTree.open(repository).branches()) > 1
    except KpatchError:
        return True


def _digest(fixture: Path) -> str:
    digest = hashlib.sha256(_FORMAT)
    for path, data in _files(fixture):
        digest.update(b"%d %d " % (len(os.fsencode(path)), len(data)) + os.fsencode(path) + data)
    return digest.hexdigest()[:16]


def _files(fixture: Path) -> Iterator[tuple[RepoPath, bytes]]:
    """What the repository is made of: documentation beside it may change without a new one."""
    source = Folder(fixture)
    for path in source.paths("manifest.toml", "base", "series"):
        yield path, source.read(path) or b""


def _build(fixture: Path, target: Path) -> None:
    manifest = tomllib.loads((fixture / "manifest.toml").read_text(encoding="utf-8"))
    branch = str(manifest["branch"])
    name, email = parseaddr(manifest["committer"])
    tree = KernelTree.create(target, branch=branch)
    head = _write(tree, _base(fixture, manifest["base"]), tree.empty_tree(), None, branch, Person(name, email))
    for entry in manifest["patch"]:
        change = _patch(fixture / "series" / entry["file"], tree.at(head), tuple(entry.get("tags", ())))
        head = _write(tree, change, head, head, branch, Person(name, email))


def _base(fixture: Path, described: Mapping[str, Any]) -> _Change:
    source = Folder(fixture / "base")
    files = {path: source.read(path) for path in source.paths()}
    name, email = parseaddr(described["author"])
    message = str(described["message"]).lstrip("\n").encode()
    return _Change(files, message, _signature(Person(name, email), described["date"]), tuple(described["tags"]))


def _patch(path: Path, source: BlobSource, tags: tuple[str, ...]) -> _Change:
    patch = parse_patch(path.read_bytes())
    result = apply_patch(patch.files, source)
    if result.rejects or patch.author is None or patch.date is None:
        reasons = [f"{reject.file.path}: {reject.reason}" for reject in result.rejects] or ["no author or no date"]
        raise KpatchError("broken-fixture", f"{path.name} of the miniature kernel: {'; '.join(reasons)}")
    return _Change(result.changes, patch.message, _signature(patch.author, patch.date), tags)


def _write(
    tree: KernelTree, change: _Change, base: ObjectId, expect: ObjectId | None, branch: str, committer: Person
) -> ObjectId:
    signed = Signature(committer.name, committer.email, change.author.when, change.author.offset)
    written = base
    # Written once more for each tag: the same commit, hence the same id, under another reference.
    for ref in (branch, *(f"refs/tags/{tag}" for tag in change.tags)):
        written = tree.write(
            base=base,
            changes=change.files,
            message=change.message,
            author=change.author,
            committer=signed,
            ref=ref,
            expect=expect if ref == branch else None,
        )
    return written


def _signature(person: Person, date: str) -> Signature:
    when = parsedate_to_datetime(date)
    offset = when.utcoffset()
    return Signature(
        person.name, person.email, int(when.timestamp()), int(offset.total_seconds()) // 60 if offset else 0
    )
