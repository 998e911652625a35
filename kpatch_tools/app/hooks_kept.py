"""Answers about one tree, kept on disk: for the same question they never change, and some take seconds to find.

A file each, in a folder whose name has a digest of the code that answers, so another version of kpt starts anew. What
is damaged counts as absent; a folder that cannot be read or written, or is deleted, costs time only.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from kpatch_tools.files import replace_file

AnswerT = TypeVar("AnswerT")

_MOST_BYTES: Final = 256 << 20
_READING: Final = ("core", "syntax", "hooks/tables", "hooks/index", "hooks/survey")
_OWN: Final = Path(__file__)


class KeptAnswers:
    """`folder` None: nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "hook-answers" / _own_code() if folder is not None else None
        self._pruned = False

    def of(self, question: Sequence[str], kind: type[AnswerT], find: Callable[[], AnswerT]) -> AnswerT:
        """The answer to `question`, which names the tree by its id and all else that the answer depends on; found by
        `find` where it is not kept. `kind`: a frozen dataclass (or a named tuple) of texts, numbers, enums, tuples and
        more such.
        """
        if self._folder is None:
            return find()
        file = self._folder / f"{hashlib.sha256(json.dumps([kind.__name__, *question]).encode()).hexdigest()[:32]}.json"
        with suppress(OSError, ValueError, TypeError, KeyError):
            raw = json.loads(file.read_bytes())
            file.touch()
            known: AnswerT = _reader(cast(Hashable, kind))(raw)
            return known
        answer = find()
        with suppress(OSError):
            _write(file, json.dumps(_plain(answer), ensure_ascii=True, separators=(",", ":")).encode())
            if not self._pruned:
                self._pruned = True
                _prune(self._folder.parent)
        return answer


def _plain(value: object) -> object:
    """As JSON has it: a dataclass is the list of its fields."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return [_plain(getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


@cache
def _reader(kind: Hashable) -> Callable[[Any], Any]:
    """Reads a value of that type back; ValueError or TypeError where it is none."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        if arguments[1:] != (...,):
            raise TypeError(f"{kind} is of no kind that is kept")
        item = _reader(arguments[0])
        return lambda raw: tuple([item(one) for one in raw])
    if is_dataclass(kind) or is_dataclass(origin) or hasattr(kind, "_fields"):
        return _record_reader(kind)
    if type(None) in arguments:
        (other,) = (_reader(one) for one in arguments if one is not type(None))
        return lambda raw: None if raw is None else other(raw)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    plain = getattr(kind, "__supertype__", kind)
    if plain not in (str, int, bool):
        raise TypeError(f"{kind} is of no kind that is kept")
    return _checked(plain)


def _checked(plain: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if type(raw) is not plain:
            raise ValueError(f"{raw!r} is no {plain.__name__}")
        return raw

    return read


def _record_reader(kind: Any) -> Callable[[Any], Any]:
    """That of a dataclass or named tuple. Of a generic one, its arguments stand for its type variables."""
    plain = get_origin(kind) or kind
    given = dict(zip(getattr(plain, "__parameters__", ()), get_args(kind), strict=True))
    hints = get_type_hints(plain)
    names = getattr(plain, "_fields", None) or [one.name for one in fields(plain)]
    readers = [_reader(given.get(hints[name], hints[name])) for name in names]

    def read(raw: Any) -> Any:
        return plain(*[reader(one) for reader, one in zip(readers, raw, strict=True)])

    return read


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, data, mode=0o600)


def _prune(folder: Path) -> None:
    """Delete what was not asked for longest, other versions' answers too, where all together are too many."""
    files = [(status.st_mtime, status.st_size, file) for file in folder.glob("*/*") for status in [file.stat()]]
    spare = sum(size for _, size, _ in files) - _MOST_BYTES
    for _, size, file in sorted(files):
        if spare <= 0:
            break
        file.unlink(missing_ok=True)
        spare -= size


@cache
def _own_code() -> str:
    """A digest of the code that finds answers."""
    package = _OWN.resolve().parents[1]
    digest = hashlib.sha256(f"{version('tree-sitter')} {version('tree-sitter-c')}".encode() + _OWN.read_bytes())
    for room in _READING:
        for path in sorted((package / room).rglob("*.*")):
            if path.suffix in (".py", ".scm"):
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
