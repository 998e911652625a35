"""Which proof classes a caller takes without looking."""

from collections.abc import Iterable
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.hunkclass import HunkClass

_NAMES = {kind.label.lower(): kind for kind in HunkClass if kind is not HunkClass.NEEDS_HUMAN}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The classes; a change is taken if each of its hunks has one of them."""

    kinds: frozenset[HunkClass]

    def takes(self, kinds: Iterable[HunkClass]) -> bool:
        return self.kinds.issuperset(kinds)

    def __str__(self) -> str:
        return ",".join(kind.label.lower() for kind in sorted(self.kinds))


DEFAULT = Accepted(frozenset(kind for kind in HunkClass if kind <= HunkClass.GENERATED))
"""What is proved by the text of both versions, or written for the target from its own features."""


def parse_accepted(spelled: str) -> Accepted:
    """Classes with commas between; those that are better than all of the named ones are accepted as well.

    Raises KpatchError "bad-class".

    >>> str(parse_accepted("dropped,adapted")), str(parse_accepted("merged")), str(parse_accepted("exact,adapted"))
    ('exact,moved,merged,generated,dropped,adapted', 'exact,moved,merged', 'exact,adapted')
    """
    named = set()
    for word in (part.strip().lower() for part in spelled.split(",")):
        if word not in _NAMES:
            hint = f"classes are {', '.join(_NAMES)}; what needs a person is never applied"
            raise KpatchError("bad-class", f"{word!r} is no class that can be accepted", hint=hint)
        named.add(_NAMES[word])
    return Accepted(frozenset(kind for kind in HunkClass if kind in named or kind < min(named)))
