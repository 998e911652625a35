"""Where letters come from: a mailbox, a maildir, a folder of patches, a quilt series, a public-inbox repository.

Nothing is followed out of the folder that was named: links are passed over, and names in a quilt series stay inside.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import split_mbox
from kpatch_tools.tree import KernelTree

from .threads import LARGEST_LETTER, Received

LARGEST_INPUT = 256 * 1024 * 1024
"""Bytes of a mailbox, after decompression."""

_GZIP = b"\x1f\x8b"
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_EPOCH = re.compile(r"(\d+)\.git")
_LETTER = RepoPath("m")


def letters_in(data: bytes, name: str) -> Iterator[Received]:
    """The letters of a mailbox, gzipped or not; of anything else the one text that it is.

    KpatchError: input-too-large, malformed-gzip.
    """
    text = _unpacked(data, name)
    found = split_mbox(text)
    for number, letter in enumerate(found, start=1):
        # Mailboxes of lists mark lines that would look like the next letter's first.
        whole = _STUFFED.sub(rb"\1", letter.data) if len(found) > 1 else letter.data
        yield Received(name if len(found) == 1 else f"{name}, letter {number}", whole)


def _unpacked(data: bytes, name: str) -> bytes:
    if data.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(LARGEST_INPUT + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise KpatchError(
                "malformed-gzip", f"{name} cannot be decompressed: {error}", hint="download it again"
            ) from error
    if len(data) > LARGEST_INPUT:
        raise KpatchError(
            "input-too-large",
            f"{name} has more than {LARGEST_INPUT >> 20} MiB",
            hint="give it in parts, or as a maildir",
        )
    return data


def letters_of_folder(folder: Path) -> Iterator[Received]:
    """A maildir's, a quilt series', a public-inbox repository's, or else those of the files *.patch, *.mbox, *.eml.

    KpatchError: unreadable-patch, no-patches, and those of `letters_in`.
    """
    try:
        if (folder / "cur").is_dir() and (folder / "new").is_dir():
            files = sorted([*_files(folder / "new"), *_files(folder / "cur")], key=lambda file: file.name)
        elif is_public_inbox(folder):
            yield from (letter for _, letter in letters_of_inbox(folder))
            return
        elif (series := _quilt_series(folder)) is not None:
            files = list(_quilted(series))
        else:
            files = [file for file in _files(folder) if file.suffix in (".patch", ".diff", ".mbox", ".eml", ".mbx")]
        if not files and not (folder / "cur").is_dir():
            raise KpatchError(
                "no-patches",
                f"{folder} holds no patches",
                hint="name a maildir, a public-inbox folder, or one with *.patch files or a quilt series",
            )
        for file in files:
            with file.open("rb") as opened:
                data = opened.read(LARGEST_INPUT + 1)
            yield from letters_in(data, file.name)
    except OSError as error:
        raise KpatchError(
            "unreadable-patch", f"cannot read {folder}: {error.strerror}", hint="see the permissions of the folder"
        ) from error


def _files(folder: Path) -> list[Path]:
    """Regular files by name; links and what mail programs hide are passed over."""
    return sorted(
        file for file in folder.iterdir() if file.is_file() and not file.is_symlink() and not file.name.startswith(".")
    )


def _quilt_series(folder: Path) -> Path | None:
    for series in (folder / "series", folder / "patches" / "series"):
        if series.is_file() and not series.is_symlink():
            return series
    return None


def _quilted(series: Path) -> Iterator[Path]:
    """The files that a quilt series names, in its order; options and comments are passed over."""
    for line in series.read_text("utf-8", "surrogateescape").splitlines():
        name = line.partition("#")[0].split()
        if not name:
            continue
        file = series.parent / name[0]
        if not file.resolve().is_relative_to(series.parent.resolve()):
            raise KpatchError(
                "unsafe-path", f"{series} names {name[0]}, outside of its folder", hint="keep the patches beside it"
            )
        yield file


def is_public_inbox(folder: Path) -> bool:
    """Whether it is a public-inbox v2 folder (git/0.git, …), or one of its repositories."""
    return bool(_epochs(folder))


def _epochs(folder: Path) -> list[Path]:
    below = folder / "git" if (folder / "git").is_dir() else folder
    if not below.is_dir():
        return []
    found = [(int(match.group(1)), one) for one in below.iterdir() if (match := _EPOCH.fullmatch(one.name))]
    if found:
        return [one for _, one in sorted(found, key=lambda item: item[0])]
    return [folder] if _EPOCH.fullmatch(folder.name) and (folder / "HEAD").is_file() else []


def letters_of_inbox(folder: Path, after: frozenset[ObjectId] = frozenset()) -> Iterator[tuple[ObjectId, Received]]:
    """Letters of a public-inbox v2 archive with the commits that hold them, oldest first.

    `after`: commits whose letters, and all before them, are known already. A letter that the archive removed later is
    still among them, for it was received.
    """
    archives = [(epoch, KernelTree.open(epoch)) for epoch in _epochs(folder)]
    read = [number for number, (_, archive) in enumerate(archives) if any(map(archive.has_object, after))]
    for epoch, archive in archives[max(read, default=0) :]:
        if not archive.branches():
            continue
        tip = archive.resolve("HEAD").oid
        known = tuple(one for one in after if archive.has_object(one))
        for commit in archive.walk(include=(tip,), exclude=known, reverse=True):
            data = archive.at(commit.oid).read(_LETTER)
            if data is not None:
                yield commit.oid, Received(f"{epoch.name} {commit.oid[:12]}", data[: LARGEST_LETTER + 1])
