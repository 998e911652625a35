"""Which files of a folder a configuration compiles: as much of Kbuild's Makefiles as says that."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

_MAKEFILES = ("Kbuild", "Makefile")
_CONTINUED = re.compile(rb"\\\n")
_CONDITION = re.compile(r"(ifn?eq)\s*\(\s*\$\((CONFIG_\w+)\)\s*,\s*(\w*)\s*\)|(ifn?def)\s+(CONFIG_\w+)")
_OBJECTS = re.compile(r"([\w-]+?)-(y|objs|\$\((CONFIG_\w+)\))\s*[:+]?=\s*(.*)")
_BITS = "CONFIG_64BIT"


def is_compiled(source: BlobSource, file: RepoPath, config: Mapping[str, str]) -> bool:
    """Whether `config` compiles `file`, a .c file, by the Makefiles of its folder and of those above it.

    An object that its folder's Makefile does not name, as far as it is read here, counts as not compiled. A folder
    without a Makefile leaves nothing out, and one that no Makefile above names is entered.
    """
    folder, name = posixpath.split(file)
    rules = _rules(source, folder, config)
    if rules is not None and f"{name.removesuffix('.c')}.o" not in _enabled(rules):
        return False
    while folder:
        folder, name = posixpath.split(folder)
        above = _rules(source, folder, config)
        named = above is not None and any(f"{name}/" in objects for _, objects in above)
        if named and f"{name}/" not in _enabled(above or ()):
            return False
    return True


_Rules = tuple[tuple[bool, tuple[str, ...]], ...]


def _rules(source: BlobSource, folder: str, config: Mapping[str, str]) -> _Rules | None:
    texts = (source.read(RepoPath(posixpath.join(folder, name))) for name in _MAKEFILES)
    text = next((text for text in texts if text is not None), None)
    return tuple(_read(text, lambda symbol: symbol in config)) if text is not None else None


def _enabled(rules: _Rules) -> frozenset[str]:
    return frozenset(name for enabled, objects in rules if enabled for name in objects)


def _read(text: bytes, is_set: Callable[[str], bool]) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Each assignment of objects: whether it counts, and what it names."""
    conditions: list[bool] = []
    bits = "64" if is_set(_BITS) else "32"
    for raw in _CONTINUED.sub(b" ", text).decode("latin-1").splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith(("ifeq", "ifneq", "ifdef", "ifndef")):
            conditions.append(_holds(line, is_set))
        elif line == "else" and conditions:
            conditions[-1] = not conditions[-1]
        elif line == "endif" and conditions:
            conditions.pop()
        elif match := _OBJECTS.fullmatch(line):
            enabled = all(conditions) and (match[3] is None or is_set(match[3]))
            yield enabled, tuple(match[4].replace("$(BITS)", bits).split())


def _holds(line: str, is_set: Callable[[str], bool]) -> bool:
    match = _CONDITION.match(line)
    if match is None:
        return False
    if match[4] is not None:
        return is_set(match[5]) == (match[4] == "ifdef")
    wanted = match[3] == "y"
    return (is_set(match[2]) == wanted) == (match[1] == "ifeq")
