"""The two ways out of a conflict, priced: take what comes before, or adapt what is left; and what each is for."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import Hunk

from .change import Change
from .explained import Hunks
from .guards.words import names_in
from .lines import normal_line
from .outcome import Evidence, Kind, RelatedCommit
from .sites import is_strong


def relate(
    chosen: Sequence[Change], subject: Change, target: BlobSource, *, otherwise: str
) -> tuple[RelatedCommit, ...]:
    """The chosen commits with their kinds. `otherwise` is why they are needed where the lines alone do not tell it.

    A prerequisite brings what the subject, or one that is itself chosen, uses or changes; an incidental commit only
    changed lines around it (Documentation/process/backporting.rst).
    """
    related = []
    for number, one in enumerate(chosen):
        kind, why = _kind_of(one, (*chosen[number + 1 :], subject), target, otherwise)
        assert one.commit is not None, "prerequisites are commits"
        related.append(RelatedCommit(one.commit, one.subject, kind, "missing", why))
    return tuple(related)


def _kind_of(earlier: Change, later: Sequence[Change], target: BlobSource, otherwise: str) -> tuple[Kind, str]:
    brought = {line for line in _own_lines(earlier, "+") if is_strong(line)}
    for change in later:
        what = "the change" if change is later[-1] else (change.commit or "")[:12]
        if brought & set(_own_lines(change, "-")):
            return "prerequisite", f"{what} changes lines that it brought"
        names = _names(_own_lines(change, "+")) & (_names(brought) - _names(_own_lines(earlier, "-")))
        there = _names(chain.from_iterable((target.read(path) or b"").split(b"\n") for path in change.touched))
        if names - there:
            listed = ", ".join(sorted(name.decode() for name in names - there)[:3])
            return "prerequisite", f"it brings what {what} uses: {listed}"
    return ("prerequisite", otherwise) if otherwise else ("incidental", "it changed lines around the change's own")


def price_routes(chosen: Sequence[Change], left: Hunks) -> Evidence:
    """What either way costs, in lines that are added or removed."""
    taken, lines = sum(map(count_lines, chosen)), [hunk for hunks in left.values() for hunk in hunks]
    by_hand = f"adapt {_number(sum(map(_changed, lines)), 'line')} by hand, in {_number(len(lines), 'place')}"
    return Evidence(
        "search", f"two ways: take {_number(len(chosen), 'commit')}, {_number(taken, 'line')}; or {by_hand}"
    )


def count_lines(change: Change) -> int:
    """How many lines a change adds and removes."""
    return sum(_changed(hunk) for file in change.files for hunk in file.hunks)


def _changed(hunk: Hunk) -> int:
    return sum(line.kind != " " for line in hunk.lines)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _own_lines(change: Change, kind: str) -> Iterator[bytes]:
    for file in change.files:
        for hunk in file.hunks:
            yield from (normal_line(line.text) for line in hunk.lines if line.kind == kind)


def _names(lines: Iterable[bytes]) -> set[bytes]:
    """Names in code: comments and words of two or three letters tell nothing."""
    return {name for name in names_in(lines) if len(name) > 3}
