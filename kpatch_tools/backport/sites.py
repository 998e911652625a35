"""The places a diff changes, and how each stands in another version of the code.

A *site* is one run of removed and added lines with the context around it. Lines are compared without blank lines and
with white space collapsed: a vendor's re-indentation is not another change.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, Hunk

from .lines import FileLines, normal_line, read_lines

CONTEXT = 3
TOGETHER, SCATTERED = 2, 3
"""Fewer recognisable lines, in one block or apart from one another, may be there for another reason."""
ANNOTATION = re.compile(rb"\b__(?:re)?(?:cpu|mem|dev|net)?(?:init|exit|ref)\w*\b(?!\s*\()\s*")


class SiteState(Enum):
    PRESENT = "present"
    """The added lines are in the right function, the removed ones are not."""
    CHANGED = "changed"
    """As PRESENT, but with lines between the added ones, or with other section annotations."""
    ABSENT = "absent"
    """The code as it was before the change."""
    GONE = "gone"
    """Neither the code before nor the code after the change."""


@dataclass(frozen=True, slots=True)
class Site:
    """`before` and `after` are the nearest context lines in file order; all lines normalised, blank ones left out.

    `copies` is how often the added lines stand in the function after the change: a statement may be repeated.
    """

    file: RepoPath
    function: str | None
    before: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]
    after: tuple[bytes, ...]
    copies: int = 1

    @property
    def strong(self) -> bool:
        """Whether the change can be recognised by its own lines: braces, `break;` and #includes cannot."""
        return any(is_strong(line) for line in self.added or self.removed)


@dataclass(frozen=True, slots=True)
class JudgedSite:
    """`line` is where it was seen in the target (1-based), None for GONE."""

    site: Site
    state: SiteState
    file: RepoPath
    line: int | None


def is_strong(line: bytes) -> bool:
    """
    >>> is_strong(b"x86_init.mapping.pagetable_reserve = f;"), is_strong(b"} else {"), is_strong(b"#include <a/b.h>")
    (True, False, False)
    """
    return len(re.findall(rb"\w+", line)) >= 2 and not line.startswith(b"#include")


def find_sites(file: FileDiff, *, after: BlobSource | None = None) -> tuple[Site, ...]:
    """The sites of one file's diff; functions are known where `after` holds the file as the diff leaves it."""
    path = file.new_path or file.old_path
    if path is None:
        return ()
    lines = read_lines(after, path) if after is not None else None
    return tuple(site for hunk in file.hunks for site in _hunk_sites(path, hunk, lines))


def _hunk_sites(path: RepoPath, hunk: Hunk, lines: FileLines | None) -> Iterator[Site]:
    kinds = [line.kind for line in hunk.lines]
    normal = [normal_line(line.text) for line in hunk.lines]
    numbers = _new_numbers(hunk)
    index = 0
    while index < len(kinds):
        if kinds[index] == " ":
            index += 1
            continue
        end = index
        while end < len(kinds) and kinds[end] != " ":
            end += 1
        removed = tuple(normal[i] for i in range(index, end) if kinds[i] == "-" and normal[i])
        added = tuple(normal[i] for i in range(index, end) if kinds[i] == "+" and normal[i])
        if removed or added:
            # The context of a site is what stands there after the change: lines that other sites remove are not in it.
            before = [normal[i] for i in range(index) if kinds[i] != "-" and normal[i]][-CONTEXT:]
            following = [normal[i] for i in range(end, len(kinds)) if kinds[i] != "-" and normal[i]][:CONTEXT]
            function = _function(hunk, lines, [numbers[i] for i in range(index, end) if kinds[i] == "+"])
            copies = 1 if lines is None else max(1, _copies(added, function, lines))
            yield Site(path, function, tuple(before), removed, added, tuple(following), copies)
        index = end


def _copies(block: tuple[bytes, ...], function: str | None, lines: FileLines) -> int:
    return sum(1 for _ in lines.find(block, *lines.region(function))) if block else 0


def _new_numbers(hunk: Hunk) -> list[int]:
    numbers, current = [], hunk.new_start
    for line in hunk.lines:
        numbers.append(current)
        current += line.kind != "-"
    return numbers


def _function(hunk: Hunk, lines: FileLines | None, added: list[int]) -> str | None:
    if lines is None or not added:
        return None
    functions = {lines.function_at(number) for number in added}
    return functions.pop() if len(functions) == 1 else None


def judge_sites(
    files: Iterable[FileDiff],
    target: BlobSource,
    *,
    after: BlobSource | None = None,
    renamed: Mapping[RepoPath, RepoPath] | None = None,
) -> tuple[JudgedSite, ...]:
    """How every site of a change stands in `target`.

    `after` is the version the change leads to, where it is at hand: functions are taken from it. `renamed` maps the
    change's paths to the target's.
    """
    judged: list[JudgedSite] = []
    for file in files:
        sites = find_sites(file, after=after)
        path = file.new_path or file.old_path
        if path is None or not sites:
            continue
        there = (renamed or {}).get(path, path)
        lines = read_lines(target, there)
        if file.new_path is None:
            state = SiteState.PRESENT if lines is None else SiteState.ABSENT
            judged.extend(JudgedSite(site, state, there, None) for site in sites)
        elif lines is None:
            state = SiteState.ABSENT if file.old_path is None else SiteState.GONE
            judged.extend(JudgedSite(site, state, there, None) for site in sites)
        else:
            for site in sites:
                state, line = _judge(site, lines)
                judged.append(JudgedSite(site, state, there, line))
    return tuple(judged)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block stands; `above` and `below` are how many of the site's context lines agree there."""

    index: int
    above: int
    below: int

    @property
    def score(self) -> int:
        return self.above + self.below


def _judge(site: Site, lines: FileLines) -> tuple[SiteState, int | None]:
    pre = _best(site, site.removed, lines)
    post = _best(site, site.added, lines)
    if site.added and site.copies > 1 and _copies(site.added, site.function, lines) < site.copies:
        post = None
    if post is not None and (pre is None or post.score > pre.score):
        return SiteState.PRESENT, lines.number_at(post.index)
    if pre is not None and (site.removed or _encloses(site, pre)):
        return SiteState.ABSENT, lines.number_at(pre.index)
    scattered = _scattered(site, lines)
    if scattered is not None:
        # Also where the nearest lines still touch: what follows a function is often next to a `}` again.
        return SiteState.CHANGED, lines.number_at(scattered)
    if pre is not None:
        return SiteState.ABSENT, lines.number_at(pre.index)
    return SiteState.GONE, None


def _encloses(site: Site, place: _Place) -> bool:
    """Whether enough of the context stands on both sides to say that nothing stands between."""
    return place.above >= min(2, len(site.before)) and place.below >= min(2, len(site.after))


def _best(site: Site, block: tuple[bytes, ...], lines: FileLines) -> _Place | None:
    """The best place of `block` in the site's function, None if there is none to be sure of."""
    low, high = lines.region(site.function)
    strong = sum(map(is_strong, block))
    # What cannot be recognised by itself needs its neighbours, on both sides or on one.
    needed = min({0: 2, 1: 1, 2: 1}.get(strong, 0), len(site.before) + len(site.after))
    best: _Place | None = None
    for index in lines.find(block, low, high) if block else _joints(site, lines, low, high):
        place = _Place(index, *_context(site, index, len(block), lines))
        if place.score >= needed and (best is None or place.score > best.score):
            best = place
    return best


def _joints(site: Site, lines: FileLines, low: int, high: int) -> Iterator[int]:
    """Where an empty block would stand: between the line before and the line after."""
    if site.before and site.after:
        yield from (index + 1 for index in lines.find((site.before[-1], site.after[0]), low, high))
    elif site.after and low == 0 and lines.texts[: len(site.after)] == list(site.after):
        yield 0
    elif site.before and high == len(lines.texts) and tuple(lines.texts[-len(site.before) :]) == site.before:
        yield high


def _context(site: Site, index: int, length: int, lines: FileLines) -> tuple[int, int]:
    """How many context lines in a row agree above and below a block of `length` at `index`."""
    above = below = 0
    for distance, expected in enumerate(reversed(site.before), start=1):
        if index - distance < 0 or lines.texts[index - distance] != expected:
            break
        above += 1
    for distance, expected in enumerate(site.after):
        if index + length + distance >= len(lines.texts) or lines.texts[index + length + distance] != expected:
            break
        below += 1
    return above, below


def _scattered(site: Site, lines: FileLines) -> int | None:
    """Where the added lines begin if all are there in order, but apart or annotated differently."""
    strong = sum(map(is_strong, site.added))
    low, high = lines.region(site.function)
    wanted = [bare_line(line) for line in site.added]
    if not wanted:
        return None
    if {bare_line(line) for line in site.removed} & set(wanted):
        wanted = list(site.added)  # the annotation *is* the change
        bare = lines.texts
    else:
        bare = [bare_line(text) for text in lines.texts]
    for start in range(low, high):
        if bare[start] == wanted[0]:
            reach = min(high, start + 3 * len(wanted) + 8)
            position = start
            for line in wanted:
                while position < reach and bare[position] != line:
                    position += 1
                position += 1
            together = position - start == len(wanted)
            if position <= reach and strong >= (TOGETHER if together else SCATTERED):
                return start
    return None


def bare_line(line: bytes) -> bytes:
    """A normalised line without section annotations.

    >>> bare_line(b"static __init void f(void)") == bare_line(b"static void __init f(void)")
    True
    """
    return ANNOTATION.sub(b"", line)
