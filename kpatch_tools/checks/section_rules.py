"""Which section may refer to which, and which section an annotation means in a given tree.

The rules are modpost's (scripts/mod/modpost.c#sectioncheck). What an annotation means is read from the tree, because
it changes: `__init_memblock` was `__init` when it came and `__meminit` later, or nothing, as the configuration has it;
`__cpuinit` ended as an empty macro.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum


class Section(Enum):
    """Where code or data lives, and so for how long. The value is the linker's name without its suffix."""

    PLAIN = ""
    INIT = ".init"
    DEVINIT = ".devinit"
    CPUINIT = ".cpuinit"
    MEMINIT = ".meminit"
    EXIT = ".exit"
    DEVEXIT = ".devexit"
    CPUEXIT = ".cpuexit"
    MEMEXIT = ".memexit"
    REF = ".ref"

    @property
    def is_init(self) -> bool:
        return self.value.endswith("init")

    @property
    def is_exit(self) -> bool:
        return self.value.endswith("exit")

    def may_refer_to(self, other: "Section") -> bool:
        """Whether modpost would stay silent about a reference from here to there."""
        if other in (self, Section.PLAIN, Section.REF) or self is Section.REF:
            return True
        if self is Section.PLAIN or self.is_init != other.is_init:
            return False
        # Both are init, or both are exit: the general one may use the special ones, not the other way round.
        if other in (Section.INIT, Section.EXIT):
            return False
        return {self.value[:4], other.value[:4]} != {".cpu", ".mem"}


Vocabulary = Mapping[str, frozenset[Section]]
"""What each annotation can mean; more than one section where that depends on the configuration."""

WORD = rb"__[a-z_]*?(?:init|exit|ref)[a-z_]*"
"""Looks like an annotation; the vocabulary tells whether it is one."""

_USUAL_FILE_END = ("linux/init.h",)
_DEFINITION = re.compile(
    rb"^[ \t]*\#[ \t]*define[ \t]+(" + WORD + rb")(?![\w(])((?:[^\n\\]|\\.)*)", re.MULTILINE | re.DOTALL
)
_SECTION = re.compile(
    r"[\"(](\.(?:init|devinit|cpuinit|meminit|exit|devexit|cpuexit|memexit|ref))\.(?:text|data|rodata)"
)
_WORD_ALONE = re.compile(r"(" + WORD.decode() + r")\b")

Definitions = tuple[tuple[str, str], ...]


def _usual() -> dict[str, frozenset[Section]]:
    words = {"__ref", "__refdata", "__refconst", "__init_refok", "__exit_refok", "__initdata_refok"}
    usual = {word: frozenset({Section.REF}) for word in words}
    for section in Section:
        if section.is_init or section.is_exit:
            for kind in ("", "data", "const"):
                usual[f"__{section.value[1:]}{kind}"] = frozenset({section})
    return usual


USUAL: Vocabulary = _usual()
"""What the words mean in a tree that does not say."""


def annotation_definitions(data: bytes) -> Definitions:
    """The annotation macros that a file defines: (word, what it stands for)."""
    if b"define" not in data:
        return ()
    return tuple(
        (word.decode("ascii"), body.decode("utf-8", "surrogateescape").partition("/*")[0].strip())
        for word, body in _DEFINITION.findall(data)
    )


def read_vocabulary(definitions: Iterable[tuple[str, Definitions]]) -> Vocabulary:
    """The meanings that the files of a tree (path, its definitions) give to annotations.

    include/linux/init.h has the last word: other files define the same words to be built outside of the kernel.
    """
    bodies: dict[str, set[str]] = {}
    settled: set[str] = set()
    for path, found in sorted(definitions, key=lambda item: not item[0].endswith(_USUAL_FILE_END)):
        own = {word for word, _ in found}
        for word, body in found:
            if word not in settled:
                bodies.setdefault(word, set()).add(body)
        if path.endswith(_USUAL_FILE_END):
            settled |= own
    return {**USUAL, **{word: _meaning(word, bodies, ()) for word in bodies}}


def _meaning(word: str, bodies: Mapping[str, set[str]], above: tuple[str, ...]) -> frozenset[Section]:
    if word not in bodies or word in above:
        return USUAL.get(word, frozenset({Section.PLAIN}))
    found: set[Section] = set()
    for body in bodies[word]:
        if (named := _SECTION.search(body)) is not None:
            found.add(Section(named.group(1)))
        elif (other := _WORD_ALONE.match(body)) is not None:
            found |= _meaning(other.group(1), bodies, (*above, word))
        else:
            found.add(Section.PLAIN)
    return frozenset(found)
