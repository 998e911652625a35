"""What checks have read out of blobs, as bytes, for the next run: most of a kernel is the same in each of its versions.

It holds for the code that read it; whoever keeps it must drop it when `version` changes.
"""

import hashlib
import json
import zlib
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Any

from kpatch_tools.checks.section_index import SECTIONS, Annotated, FileSections
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.syntax.includes import INCLUDED_NAMES


@cache
def version() -> str:
    """A digest of the code that reads."""
    package = Path(__file__).resolve().parents[1]
    sources = ("checks/section_index.py", "checks/section_rules.py", "checks/kept.py", "syntax/includes.py")
    return hashlib.sha256(b"\0".join((package / source).read_bytes() for source in sources)).hexdigest()[:16]


def size() -> int:
    """How many blobs are known, to tell whether anything came to them."""
    return len(SECTIONS.known) + len(INCLUDED_NAMES.known)


def dump_kept() -> bytes:
    """Everything that is remembered."""
    content = {
        "sections": {oid: _section_rows(found) for oid, found in SECTIONS.known.items()},
        "includes": INCLUDED_NAMES.known,
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), 1)


def load_kept(data: bytes) -> None:
    """Remember it. ValueError for what is damaged; nothing is remembered of it then."""
    try:
        content = json.loads(zlib.decompress(data))
        sections = {ObjectId(oid): _sections(row) for oid, row in content["sections"].items()}
        includes = {
            ObjectId(oid): tuple((bool(quoted), str(name)) for quoted, name in row)
            for oid, row in content["includes"].items()
        }
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what was kept: {error}") from error
    SECTIONS.remember(sections)
    INCLUDED_NAMES.remember(includes)


def _section_rows(found: FileSections) -> list[Any]:
    names = {name: [[one.word, one.static] for one in ones] for name, ones in found.names.items()}
    return [names, found.definitions] if names or found.definitions else []


_EMPTY = FileSections({})


@cache
def _annotated(word: str, static: bool) -> Annotated:
    """A kernel has some twenty annotations, at a hundred thousand names."""
    return Annotated(word, static)


def _sections(row: list[Any]) -> FileSections:
    if not row:
        return _EMPTY
    names, definitions = row
    return FileSections(
        {name: tuple(starmap(_annotated, ones)) for name, ones in names.items()},
        tuple((word, body) for word, body in definitions),
    )
