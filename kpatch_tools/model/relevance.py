"""What of a tree decides how it boots: the files that are read or looked for, and the text they come to.

Three sieves, each finer and dearer than the one before:

- a tree with the same contents at every path that was looked up is the same unit (`Outline.looked_up`);
- a unit with the same text is executed alike (`Outline.digest`): comments, blank lines, line numbers and whatever the
  configuration drops are not in it;
- a unit whose declarations of all names that a boot asked for are the same is executed alike by that boot
  (`relevant_digest` over `asked_names`): execution reaches the unit by names only.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax import Node
from kpatch_tools.syntax.preprocessor import Preprocessed
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.syntax.translation_unit import definitions, parse_unit

from .boot.guest import Guest
from .boot.machine import REAL_MACHINE, Machine
from .boot.primitives import DEFER_TO_TREE
from .boot.unit import boot_files
from .cexec.index import declared_name, text_of
from .cexec.unit import preprocess_unit

DeclarationId = bytes
"""Stands for the text of one top-level declaration in one file."""

Names = frozenset[str] | None
"""What a declaration declares; None where the grammar does not understand it, so that it may be anything."""

_LINE_NUMBER = re.compile(r'(__model_(?:bug|warn) \( "[^"]*" , )\d+')
"""Where a complaint of the kernel names the line it stands in: the only trace of a line's number."""
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_ATTRIBUTED = re.compile(r"\b(?:struct|union|enum)\s*__attribute")


@dataclass(frozen=True, slots=True)
class Outline:
    """A unit by its declarations, in order. `looked_up`: every path read, or not there when it was asked for."""

    digest: str
    looked_up: frozenset[RepoPath]
    declarations: tuple[DeclarationId, ...] = ()


class Outliner:
    """Outlines units, and remembers what each declaration it saw declares: units of a history share nearly all."""

    def __init__(self, *, machine: Machine = REAL_MACHINE, cache: LineCache | None = None) -> None:
        self._machine = machine
        self._cache = cache if cache is not None else LineCache()
        self.names: dict[DeclarationId, Names] = {}

    def outline(self, source: BlobSource) -> Outline:
        """Preprocess what the machine would execute of `source`; only declarations not seen before are parsed.

        A tree that cannot be preprocessed has a digest, too: nothing is executed there, and alike trees fail alike.
        """
        recorder = _Recorder(source)
        configuration = self._machine.configuration
        view = self._machine.source(recorder)
        try:
            files = boot_files(recorder, configuration.config)
            preprocessor = preprocess_unit(view, files, configuration, cache=self._cache)
        except KpatchError as error:
            return Outline(_sha(f"{error.code}\n{error.message}".encode()).hex(), frozenset(recorder.asked))
        texts: dict[DeclarationId, tuple[RepoPath, list[str]]] = {}
        order: list[DeclarationId] = []
        for path, lines in top_level(preprocessor.output()):
            identity = _identity(path, lines)
            order.append(identity)
            if identity not in self.names:
                texts[identity] = (path, lines)
        if texts:
            declared = _declared(tuple(texts.values()))
            self.names.update(zip(texts, declared, strict=True))
        troubles = "\n".join(f"{one.kind} {one.file} {one.text}" for one in preprocessor.troubles)
        digest = _sha(b"".join(order) + troubles.encode("utf-8", "surrogateescape")).hex()
        return Outline(digest, frozenset(recorder.asked), tuple(order))


def relevant_digest(
    declarations: Iterable[DeclarationId], names: Mapping[DeclarationId, Names], asked: Collection[str]
) -> str:
    """The declarations of any of the names `asked` for, in order, as one text; what is not understood counts always."""
    digest = hashlib.sha256()
    for identity in declarations:
        declared = names[identity]
        if declared is None or not declared.isdisjoint(asked):
            digest.update(identity)
    return digest.hexdigest()


def asked_names(guest: Guest) -> set[str]:
    """A set that from now on receives every name that boots of `guest`, which has not booted yet, ask its unit for."""
    asked: set[str] = set(DEFER_TO_TREE)
    index = guest.program.index
    for attribute in ("typedefs", "tags", "enum_tags", "enumerators", "functions", "prototypes", "variables"):
        setattr(index, attribute, _Asked(getattr(index, attribute), asked))
    return asked


def top_level(source: Preprocessed) -> Iterator[tuple[RepoPath, list[str]]]:
    """The text cut after lines that end a top-level declaration, each piece with the file it begins in."""
    lines: list[str] = []
    start: RepoPath | None = None
    depth = 0
    is_function = False
    for line, (path, _) in zip(source.lines, source.places, strict=True):
        if not lines:
            start, depth, is_function = path, 0, False
        lines.append(line)
        bare = _QUOTED.sub('""', line) if '"' in line or "'" in line else line
        if depth == 0 and "{" in bare:
            before = _QUOTED.sub('""', " ".join(lines)).partition("{")[0]
            is_function = before.rstrip().endswith(")") and "=" not in before and not _ATTRIBUTED.search(before)
        depth += bare.count("{") + bare.count("(") - bare.count("}") - bare.count(")")
        last = bare.rstrip()[-1:]
        if depth <= 0 and (last == ";" or (last == "}" and is_function)):
            assert start is not None, "a piece has a first line"
            yield start, lines
            lines = []
    if lines and start is not None:
        yield start, lines


class _Recorder:
    """A BlobSource that remembers which files it was asked for."""

    def __init__(self, source: BlobSource) -> None:
        self._source = source
        self.asked: set[RepoPath] = set()

    def read(self, path: RepoPath) -> bytes | None:
        self.asked.add(path)
        return self._source.read(path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        raise NotImplementedError("what is executed is found by name; a listing would depend on every file")


class _Asked(dict[Any, Any]):
    """One table of an Index that tells which names it was asked for; keys are names, or end in one."""

    def __init__(self, known: Mapping[Any, Any], asked: set[str]) -> None:
        super().__init__(known)
        self._asked = asked

    def _note(self, key: Any) -> None:
        self._asked.add(key if isinstance(key, str) else key[-1])

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)


def _identity(path: RepoPath, lines: list[str]) -> DeclarationId:
    text = _LINE_NUMBER.sub(r"\1", " ".join(lines))
    text = text if '"' in text else " ".join(text.split())
    return _sha(f"{path}\n{text}".encode("utf-8", "surrogateescape"))[:12]


def _declared(pieces: tuple[tuple[RepoPath, list[str]], ...]) -> list[Names]:
    """The names that each piece declares, from one parse of them all."""
    lines = [line for _, piece in pieces for line in piece]
    places = tuple((path, number) for number, (path, piece) in enumerate(pieces) for _ in piece)
    unit = parse_unit(Preprocessed(tuple(lines), places))
    found: list[set[str]] = [set() for _ in pieces]
    unclear: set[int] = set()

    def piece_of(row: int) -> int:
        return unit.places[min(row, len(unit.places) - 1)][1]

    for node in unit.root.children:
        first, last = piece_of(node.start_point.row), piece_of(node.end_point.row)
        if node.has_error or node.type in ("ERROR", "linkage_specification", "declaration_list") or first != last:
            unclear.update(range(first, last + 1))
        for declarator in node.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if name:
                found[first].add(name)
    for kind, nodes in definitions(unit.root).items():
        for node in nodes:
            found[piece_of(node.start_point.row)].update(_tag_names(kind, node))
    return [None if number in unclear else frozenset(names) for number, names in enumerate(found)]


def _tag_names(kind: str, node: Node) -> Iterator[str]:
    """The tag of a struct, union or enum with a body, and an enum's constants."""
    nodes = [node]
    body = node.child_by_field_name("body")
    if kind == "enum_specifier" and body is not None:
        nodes += [child for child in body.named_children if child.type == "enumerator"]
    for one in nodes:
        name = one.child_by_field_name("name")
        if name is not None:
            yield text_of(name)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
