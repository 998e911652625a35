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
    """`before` and `after` are the nearest context lines in file order; all lines normalised, blank ones left out."""

    file: RepoPath
    function: str | None
    before: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]
    after: tuple[bytes, ...]

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
            yield Site(path, function, tuple(before), removed, added, tuple(following))
        index = end


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


def _judge(site: Site, lines: FileLines) -> tuple[SiteState, int | None]:
    pre = _best(site, site.removed, lines)
    post = _best(site, site.added, lines)
    if post is not None and (pre is None or post[0] > pre[0]):
        return SiteState.PRESENT, lines.number_at(post[1])
    scattered = None if pre is not None and site.removed else _scattered(site, lines)
    if scattered is not None:
        # Also where the lines around the site still touch: what follows a function is often next to its `}` again.
        return SiteState.CHANGED, lines.number_at(scattered)
    if pre is not None:
        return SiteState.ABSENT, lines.number_at(pre[1])
    return SiteState.GONE, None


def _best(site: Site, block: tuple[bytes, ...], lines: FileLines) -> tuple[int, int] | None:
    """The best place of `block` in the site's function: (how many context lines agree, index), or None."""
    low, high = lines.region(site.function)
    best: tuple[int, int] | None = None
    for index in lines.find(block, low, high) if block else _joints(site, lines, low, high):
        score = _context_score(site, index, len(block), lines)
        # What cannot be recognised by itself needs its neighbours on both sides.
        needed = 0 if any(is_strong(line) for line in block) else min(2, len(site.before) + len(site.after))
        if score >= needed and (best is None or score > best[0]):
            best = score, index
    return best


def _joints(site: Site, lines: FileLines, low: int, high: int) -> Iterator[int]:
    """Where an empty block would stand: between the line before and the line after."""
    if site.before and site.after:
        yield from (index + 1 for index in lines.find((site.before[-1], site.after[0]), low, high))
    elif site.after and low == 0 and lines.texts[: len(site.after)] == list(site.after):
        yield 0
    elif site.before and high == len(lines.texts) and tuple(lines.texts[-len(site.before) :]) == site.before:
        yield high


def _context_score(site: Site, index: int, length: int, lines: FileLines) -> int:
    score = 0
    for distance, expected in enumerate(reversed(site.before), start=1):
        if index - distance < 0 or lines.texts[index - distance] != expected:
            break
        score += 1
    for distance, expected in enumerate(site.after):
        if index + length + distance >= len(lines.texts) or lines.texts[index + length + distance] != expected:
            break
        score += 1
    return score


def _scattered(site: Site, lines: FileLines) -> int | None:
    """Where the added lines begin if all are there in order, but apart or annotated differently."""
    if not any(is_strong(line) for line in site.added):
        return None
    low, high = lines.region(site.function)
    wanted = [_bare(line) for line in site.added]
    if {_bare(line) for line in site.removed} & set(wanted):
        wanted = list(site.added)  # the annotation *is* the change
        bare = lines.texts
    else:
        bare = [_bare(text) for text in lines.texts]
    for start in range(low, high):
        if bare[start] == wanted[0]:
            reach = min(high, start + 3 * len(wanted) + 8)
            position = start
            for line in wanted:
                while position < reach and bare[position] != line:
                    position += 1
                position += 1
            if position <= reach:
                return start
    return None


def _bare(line: bytes) -> bytes:
    """
    >>> _bare(b"static __init void f(void)") == _bare(b"static void __init f(void)")
    True
    """
    return ANNOTATION.sub(b"", line)
