"""Translated kernels kept on disk, so that the next run of the same tree neither preprocesses nor parses it.

An entry is what `Program.state` gives: code, addresses, initial contents and answers. It is found by what it was made
from: the model's own code, the Python version, the machine with its configuration, and the identity of every file that
was read *or looked for in vain*. A changed header, or one that newly hides another, is another entry.

The folder belongs to one user (mode 0700, or it is not used at all): an entry holds Python code that is going to be
executed, as a `.pyc` file does. Nothing else in it can be: entries are `marshal` data behind a digest, and one that is
damaged counts as absent. Deleting the folder, or any part of it at any time, costs time only. It is kept below
`limit` bytes by dropping what was not used for longest.
"""

import hashlib
import marshal
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, blob_id

from .cexec import Profile, Program
from .cexec.encoding import Plain

LIMIT = 64 << 20
"""Bytes. A kernel takes a tenth of a megabyte."""

_MAGIC = b"kpt translations 1\n"
_DIGEST = 32
_CANDIDATES = 8
"""Entries of one key that are looked at: trees with the same C files and other headers."""

Inputs = tuple[tuple[str, str | None], ...]
"""Paths that were looked up, and the identity of what was there; None where nothing was."""


class Recorder:
    """A BlobSource that remembers which files it was asked for."""

    def __init__(self, source: BlobSource) -> None:
        self._source = source
        self._asked: dict[RepoPath, None] = {}

    def read(self, path: RepoPath) -> bytes | None:
        self._asked[path] = None
        return self._source.read(path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        raise NotImplementedError("what is executed is found by name; a listing would depend on every file")

    def blob_id(self, path: RepoPath) -> str | None:
        """The identity of the file at `path`; asking for it is not recorded."""
        return blob_id(self._source, path)

    @property
    def inputs(self) -> Inputs:
        return tuple((path, self.blob_id(path)) for path in self._asked)


class Translations:
    """The folder; made, with its parents, when the first entry is written."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self.folder = folder
        self.limit = limit

    def find(self, key: str, source: Recorder) -> "Entry":
        """The entry of that key whose inputs are those of `source`; a new one, without content, where there is none."""
        found = sorted(self._files(f"{key}-"), reverse=True) if self._is_private() else []
        for _, path in found[:_CANDIDATES]:
            read = _read(path)
            if read is not None and all(source.blob_id(RepoPath(name)) == known for name, known in read[0]):
                with suppress(OSError):
                    os.utime(path)
                return Entry(self, key, source, inputs=read[0], kept=read[1])
        return Entry(self, key, source)

    def write(self, key: str, inputs: Inputs, kept: Plain) -> None:
        """Put an entry in its place at once; a folder that cannot be used, or a full disk, is no error."""
        name = f"{key}-{hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]}"
        content = b"".join(_packed(part) for part in (inputs, kept))
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_private():
                return
            handle, temporary = tempfile.mkstemp(prefix=".", dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MAGIC + hashlib.sha256(content).digest() + content)
                os.replace(temporary, self.folder / name)
            except BaseException:
                os.unlink(temporary)
                raise
            self._prune()

    def _is_private(self) -> bool:
        """Whether the folder is a real one, this user's, and nobody else can write or read it."""
        try:
            about = self.folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077

    def _files(self, prefix: str = "") -> list[tuple[float, Path]]:
        """Time of last use and path of each entry, unfinished ones of dead processes included."""
        found = []
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                        found.append((entry.stat().st_mtime, Path(entry.path)))
        return found

    def _prune(self) -> None:
        files = sorted(self._files(), reverse=True)
        total = 0
        for _, path in files:
            with suppress(OSError):
                total += path.stat().st_size
                if total > self.limit:
                    path.unlink()


class Entry:
    """One kernel's place in the folder. `kept` is what was found there, None if nothing was."""

    def __init__(
        self, home: Translations, key: str, source: Recorder, *, inputs: Inputs = (), kept: Plain = None
    ) -> None:
        self.kept = kept
        self._home = home
        self._key = key
        self._source = source
        self._inputs = inputs
        self._extent: tuple[int, ...] | None = None

    @property
    def inputs(self) -> Inputs:
        """What the kernel was made from: known with the entry, else what was asked for so far."""
        return self._inputs or self._source.inputs

    def begin(self, program: Program) -> None:
        """What `program` has now need not be written: it came from here."""
        if self.kept is not None:
            self._extent = program.extent

    def update(self, program: Program) -> None:
        """Write what `program` has learnt since the last time, if anything."""
        if program.extent == self._extent:
            return
        self._extent = program.extent
        self._inputs = self.inputs
        self._home.write(self._key, self._inputs, program.state())


def kernel_key(*parts: object) -> str:
    """A key of these parts (by their `repr`), this model and this Python."""
    told = "\n".join([sys.version, repr(sys.implementation.cache_tag), _own_code(), *map(repr, parts)])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def profile_parts(profile: Profile) -> tuple[object, ...]:
    """Everything in a profile, in an order that is the same in every process."""
    return (
        profile.name,
        sorted(profile.config.items()),
        sorted(profile.predefined.items()),
        profile.overrides,
        sorted(profile.undefinable),
        profile.include_dirs,
        sorted(profile.virtual_files.items()),
    )


@cache
def _own_code() -> str:
    """A digest of the code that reads, translates and executes C."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(f"{version('tree-sitter')} {version('tree-sitter-c')}".encode())
    for room in ("core", "syntax", "model"):
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _packed(part: Plain) -> bytes:
    content = zlib.compress(marshal.dumps(part), 1)
    return len(content).to_bytes(8, "little") + content


def _read(path: Path) -> tuple[Inputs, Plain] | None:
    """Inputs and content of an entry; None if it is none, is damaged, or went away."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    if not content.startswith(_MAGIC) or hashlib.sha256(content[start:]).digest() != content[len(_MAGIC) : start]:
        return None
    parts = []
    while start < len(content):
        size = int.from_bytes(content[start : start + 8], "little")
        parts.append(marshal.loads(zlib.decompress(content[start + 8 : start + 8 + size])))
        start += 8 + size
    inputs, kept = parts
    return inputs, kept
