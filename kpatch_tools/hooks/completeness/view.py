"""What rules ask besides the slots: functions and typedefs by name, and what the text says at a place."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Function, Typedef
from kpatch_tools.hooks.index.query import TreeFacts
from kpatch_tools.hooks.index.spelling import decode, without_comments
from kpatch_tools.hooks.survey.nearness import nearest
from kpatch_tools.hooks.tables.search import C_SUFFIXES

_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(.*)")
_PASTED = re.compile(rb"(?:\.|->)\s*(\w*)\s*##")
_OTHER_SUFFIXES = (".S", ".s", ".lds", ".c_shipped", ".h_shipped", ".inc", ".tmpl", ".pl", ".sh")


@dataclass(slots=True)
class View:
    """One revision, with what was asked of it. Ask for many names at once with `fetch`."""

    facts: TreeFacts
    source: BlobSource
    _functions: dict[str, list[At[Function]]] = field(default_factory=dict)
    _typedefs: dict[str, list[At[Typedef]]] = field(default_factory=dict)
    _code: dict[RepoPath, str] = field(default_factory=dict)
    _lines: dict[RepoPath, list[str]] = field(default_factory=dict)
    _headers: dict[str, tuple[RepoPath, ...]] = field(default_factory=dict)
    _files: dict[str, list[RepoPath]] = field(default_factory=dict)
    _pasted: dict[str, frozenset[str]] = field(default_factory=dict)
    _arguments: dict[RepoPath, frozenset[str]] = field(default_factory=dict)
    _called: frozenset[str] = frozenset()
    _assigned: frozenset[str] = frozenset()
    _others: frozenset[bytes] | None = None

    def fetch(self, functions: Iterable[str]) -> None:
        """Have these functions at hand."""
        wanted = {name for name in functions if name not in self._functions}
        self._functions.update((name, []) for name in wanted)
        for found in self.facts.functions(wanted) if wanted else ():
            self._functions[found.fact.name].append(found)

    def fetch_typedefs(self, names: Iterable[str]) -> None:
        wanted = {name for name in names if name not in self._typedefs}
        self._typedefs.update((name, []) for name in wanted)
        for found in self.facts.typedefs(wanted) if wanted else ():
            self._typedefs[found.fact.name].append(found)

    def fetch_members(self, names: Iterable[str]) -> None:
        """Have at hand which of these members anything calls or assigns."""
        wanted = frozenset(names)
        self._called = frozenset(one.fact.member for one in self.facts.calls(wanted))
        self._called |= {member for one in self.facts.macros(wanted) for member in one.fact.members}
        self._assigned = frozenset(one.fact.member for one in self.facts.assignments(wanted))

    def fetch_words(self, words: Iterable[str]) -> None:
        """Have at hand where these identifiers stand: each file that may have some of them is read once."""
        wanted = sorted({word for word in words if word not in self._files})
        self._files.update((word, []) for word in wanted)
        by_file: dict[RepoPath, list[str]] = defaultdict(list)
        for word, files in self.facts.files_with_each(wanted).items() if wanted else ():
            for file in files:
                by_file[file].append(word)
        spelled = {word: _encoded(word) for word in wanted}
        patterns = {word: re.compile(rb"\b%s\b" % re.escape(text)) for word, text in spelled.items()}
        for file in sorted(by_file):
            text = self.source.read(file) or b""
            for word in by_file[file]:
                # Most files do not hold it, and `in` is much faster than a pattern that begins with a boundary.
                if spelled[word] in text and patterns[word].search(text) is not None:
                    self._files[word].append(file)

    def files_with(self, word: str) -> tuple[RepoPath, ...]:
        """The C files whose text has the identifier, comments included."""
        self.fetch_words((word,))
        return tuple(self._files[word])

    def is_called(self, member: str) -> bool:
        """Whether a member of that name, of whatever type, is called or is reached by a macro."""
        return member in self._called

    def is_assigned(self, member: str) -> bool:
        return member in self._assigned

    def functions(self, name: str, seen_from: RepoPath) -> tuple[At[Function], ...]:
        """The functions that a file may mean by a name: its own; else those of headers near it, or public ones."""
        self.fetch((name,))
        every = self._functions[name]
        own = tuple(one for one in every if one.file == seen_from)
        if own:
            return own
        headers = nearest(seen_from, every)
        return headers + tuple(one for one in every if not one.fact.private and one not in headers)

    def typedef(self, name: str, seen_from: RepoPath) -> Typedef | None:
        """None where it is not known, or where those that the file may mean disagree."""
        self.fetch_typedefs((name,))
        every = self._typedefs[name]
        meant = nearest(seen_from, every) or tuple(every)
        kinds = {(one.fact.type, one.fact.signature, one.fact.pointer) for one in meant}
        return meant[0].fact if len(kinds) == 1 else None

    def code(self, file: RepoPath) -> str:
        """The file without its comments, offsets and lines kept; "" where there is no such file."""
        if file not in self._code:
            self._code[file] = decode(without_comments(self.source.read(file) or b""))
        return self._code[file]

    def line(self, location: Location, back: int = 0) -> str:
        """The line at a place without comments, or the one `back` lines before it."""
        lines = self._all_lines(location.file)
        number = location.line - back
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def conditions(self, location: Location) -> tuple[str, ...]:
        """The conditions of the preprocessor's conditionals around a line, outermost first, "!" before a negated one.

        That of an `#elif` or `#else` is the last one before it, negated.
        """
        stack: list[str] = []
        for line in self._all_lines(location.file)[: location.line - 1]:
            found = _DIRECTIVE.match(line)
            if found is None:
                continue
            kind, condition = found.group(1), found.group(2).strip()
            if kind.startswith("if"):
                stack.append(f"!{condition}" if kind == "ifndef" else condition)
            elif stack and kind == "endif":
                stack.pop()
            elif stack:
                stack[-1] = f"!{stack[-1]}" if kind == "else" else condition
        return tuple(stack)

    def mentions(self, word: str, file: RepoPath) -> Iterator["Mention"]:
        """Every place of the file's code where the identifier stands."""
        code = self.code(file)
        for match in re.finditer(rf"\b{re.escape(word)}\b", code):
            line = code.count("\n", 0, match.start()) + 1
            before = code[max(0, match.start() - 80) : match.start()]
            yield Mention(Location(file, line), before, code[match.end() : match.end() + 160])

    def all_mentions(self, word: str) -> Iterator["Mention"]:
        """Every place of the tree's C code where the identifier stands."""
        return (one for file in self.files_with(word) for one in self.mentions(word, file))

    def may_be_macro(self, word: str, seen_from: RepoPath) -> bool:
        """Whether the file, or a header beside it, defines a macro of that name."""
        folder = posixpath.dirname(seen_from)
        if folder not in self._headers:
            beside = [path for path in self.source.paths(folder) if posixpath.dirname(path) == folder]
            self._headers[folder] = tuple(path for path in beside if path.endswith(".h"))
        defined = re.compile(rf"^[ \t]*#[ \t]*define[ \t]+{re.escape(word)}\b", re.MULTILINE)
        return any(defined.search(self.code(file)) is not None for file in (seen_from, *self._headers[folder]))

    def may_be_pasted(self, member: str, tag: str, files: Iterable[RepoPath]) -> bool:
        """Whether a macro reaches a member whose name it puts together: `.mv_##name`.

        Looked for in `files` and those that name the type `tag`, and in the parts of the tree that these belong to,
        such as arch/sh or drivers/scsi; there not if the macro puts the whole name in.
        """
        files = (*files, *self.files_with(tag))
        if any(member.startswith(start) for file in files for start in self._pasted_in(file)):
            return True
        parts = {"/".join(posixpath.dirname(file).split("/")[:2]) for file in files}
        return any(member.startswith(start) for part in parts for start in self._pasted_in(part) if start)

    def _pasted_in(self, place: str) -> frozenset[str]:
        """What names of members begin with, before `##`, in the C files at or below a path."""
        if place not in self._pasted:
            found: set[bytes] = set()
            for path in self.source.paths(place):
                text = self.source.read(path) if path.endswith(C_SUFFIXES) else None
                if text is not None and b"##" in text:
                    found.update(_PASTED.findall(text))
            self._pasted[place] = frozenset(decode(start) for start in found)
        return self._pasted[place]

    def macro_arguments(self, file: RepoPath) -> frozenset[str]:
        """The words that the file passes to what looks like a macro: a name that begins with a capital, or `_`."""
        if file not in self._arguments:
            passed = re.findall(r"\b[A-Z_]\w*\s*\(([^()]*)\)", self.code(file))
            self._arguments[file] = frozenset(re.findall(r"\w+", " ".join(passed)))
        return self._arguments[file]

    def stands_elsewhere(self, word: str) -> bool:
        """Whether a file that is no C has the word: assembler, a linker script, a table of offsets."""
        if self._others is None:
            words = re.compile(rb"[A-Za-z_]\w*")
            found: set[bytes] = set()
            for path in self.source.paths():
                if path.endswith(_OTHER_SUFFIXES):
                    found.update(words.findall(self.source.read(path) or b""))
            self._others = frozenset(found)
        return _encoded(word) in self._others

    def _all_lines(self, file: RepoPath) -> list[str]:
        if file not in self._lines:
            self._lines[file] = self.code(file).split("\n")
        return self._lines[file]


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an identifier stands, with some text before and after it."""

    location: Location
    before: str
    after: str
