"""The configuration that a tree is preprocessed for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kpatch_tools.core.ids import RepoPath


@dataclass(frozen=True, slots=True)
class Profile:
    """A named configuration, printed with a run.

    `config` are CONFIG_ symbols and `predefined` a compiler's own macros (name, possibly with parameters ->
    replacement). `overrides` are `#define` arguments, `NAME(args) body`, that the tree's own #defines cannot change:
    they say what the model puts in the place of locks, per-CPU data, inline assembly. `undefinable` are names that the
    tree may use but not define as macros. `virtual_files` stand in for generated headers. `unset` are CONFIG_ symbols
    known not to be set: of one that is neither in `config` nor there, nothing is known.
    """

    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    predefined: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    undefinable: frozenset[str] = frozenset()
    include_dirs: tuple[str, ...] = ()
    virtual_files: Mapping[RepoPath, bytes] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()

    def with_overrides(self, *overrides: str) -> "Profile":
        """The profile with further overrides; they win over earlier ones of the same name."""
        return replace(self, overrides=self.overrides + overrides)

    def __str__(self) -> str:
        set_symbols = sum(1 for name in self.config if name.startswith("CONFIG_"))
        return f"{self.name} ({set_symbols} CONFIG_ symbols, {len(self.overrides)} model macros)"


COMPILER = Profile(
    name="gcc x86-64",
    predefined={
        "__x86_64__": "1",
        "__LP64__": "1",
        "__GNUC__": "4",
        "__GNUC_MINOR__": "4",
        "__GNUC_PATCHLEVEL__": "0",
        "__STDC__": "1",
        "__linux__": "1",
        "__CHAR_BIT__": "8",
        "__BIGGEST_ALIGNMENT__": "16",
        "__SIZEOF_INT128__": "16",
    },
    overrides=(
        "__extension__",
        "__volatile__",
        "__volatile",
        "volatile",
        "__const const",
        "__const__ const",
        "__inline inline",
        "__inline__ inline",
        "__restrict",
        "__restrict__",
        "__signed__ signed",
        "__asm asm",
        "__asm__ asm",
        "_Static_assert(condition, message)",
    ),
    undefinable=frozenset({"typeof", "inline"}),
)
"""What the language itself needs: spellings of GNU C that mean the same as, or nothing beside, a standard one."""
