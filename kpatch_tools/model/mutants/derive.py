"""Mutants of C code, derived by rule from its syntax tree: one small, plausible mistake each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ParsedFile, descend, enclosing_function, line_of, name_of, parse_c

from .operators import OPERATORS, MutationRule, is_spared
from .vocabulary import Vocabulary, vocabulary_of


@dataclass(frozen=True, slots=True)
class Place:
    """Code to mutate: bytes of a file, all of a function or a statement in one."""

    file: RepoPath
    span: Span


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the text `before` at `span` of `file`, in `function` (None at file level), becomes `after`."""

    rule: MutationRule
    file: RepoPath
    line: int
    function: str | None
    span: Span
    before: str
    after: str

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) or "(nothing)" for text in (self.before, self.after))
        return f"{self.file}:{self.line}: {self.rule}: {before} → {after}"

    def applied(self, source: BlobSource) -> BlobSource:
        """`source` with this change, in memory. LookupError where the file is not there: another tree."""
        data = source.read(self.file)
        if data is None:
            raise LookupError(self.file)
        text = data[: self.span.start] + self.after.encode("latin-1") + data[self.span.end :]
        return Overlay(source, {self.file: text})


def derive_mutants(source: BlobSource, places: Sequence[Place]) -> tuple[Mutant, ...]:
    """Every mutant of `places`, each text once, in the order of the places and of their text.

    What a print statement prints is left alone: nothing observable depends on it. LookupError for a file that `source`
    does not have.
    """
    parsed: dict[RepoPath, ParsedFile] = {}
    for path in dict.fromkeys(place.file for place in places):
        data = source.read(path)
        if data is None:
            raise LookupError(path)
        parsed[path] = parse_c(data)
    named = _names_in(parsed, places)
    found: dict[tuple[RepoPath, Span, str], Mutant] = {}
    for place in places:
        words = vocabulary_of(parsed[place.file], (one for path, one in parsed.items() if path != place.file), named)
        for mutant in _mutants_of(place, parsed[place.file], words):
            found.setdefault((mutant.file, mutant.span, mutant.after), mutant)
    return tuple(found.values())


def _mutants_of(place: Place, parsed: ParsedFile, words: Vocabulary) -> Iterator[Mutant]:
    for node in _nodes_within(parsed.root, place.span):
        if is_spared(node):
            continue
        for operator in OPERATORS:
            for change in operator(node, words):
                before = parsed.source[change.span.start : change.span.end].decode("latin-1")
                if change.after == before:
                    continue
                function = enclosing_function(node)
                yield Mutant(change.rule, place.file, line_of(node), function, change.span, before, change.after)


def _names_in(parsed: Mapping[RepoPath, ParsedFile], places: Sequence[Place]) -> frozenset[str]:
    """The identifiers that the places use."""
    return frozenset(
        name_of(node)
        for place in places
        for node in _nodes_within(parsed[place.file].root, place.span)
        if node.type == "identifier"
    )


def _nodes_within(root: Node, span: Span) -> Iterator[Node]:
    """The nodes that lie in `span` as a whole, in file order."""
    for node in descend(root):
        if span.start <= node.start_byte and node.end_byte <= span.end:
            yield node
