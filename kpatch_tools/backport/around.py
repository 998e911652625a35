"""Says of hunks that are not as upstream's what is otherwise around them in the target: the function, or a condition.

A helper that was factored out and a changed condition are on backporting.rst's list of what goes on unnoticed. They are
said, and no reason to refuse: of 74 real changes that were merged or moved, three stand under another condition, and
maintainers left them there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import Hunk, Line

from .change import Change
from .guards.words import names_in
from .lines import normal_line
from .merge.blocks import Block
from .merge.text import Text, is_weak
from .outcome import HunkResult, Pick

_CONDITION = re.compile(rb"(?:\} ?)?(?:else\b|if\b|for\b|while\b|switch\b|case\b|default:|\w*for_each\w*)")
_TAB = 8
_NEAR = 1  # lines around what is changed that tell where its code is
_FEWEST = 2  # lines that have to stand in another function before that is said


def say_what_is_around(change: Change, target: BlobSource, pick: Pick) -> Pick:
    """`pick`, in which the reasons name the function or the innermost condition that is another one in the target.

    Of a hunk that needs a person: the function in which most of the code stands that it changes.
    """
    if change.before is None or change.after is None or all(one.kind is HunkClass.EXACT for one in pick.hunks):
        return pick
    hunks = list(pick.hunks)
    for file in change.files:
        path = pick.renamed.get(file.path, file.path)
        mine = [at for at, one in enumerate(hunks) if one.file == path and _is_elsewhere(one)]
        if not mine or not file.hunks or file.old_path is None or not path.endswith(".c"):
            continue
        base, theirs, ours = change.before.read(file.old_path), change.after.read(file.path), target.read(path)
        if base is None or theirs is None or ours is None:
            continue
        upstream, here = Text.of(file.path, theirs), Text.of(path, pick.changes.get(path) or ours)
        for at in mine:
            one, hunk = hunks[at], file.hunks[hunks[at].number - 1]
            if one.kind is HunkClass.NEEDS_HUMAN:
                said = _other_function(hunk, Text.of(file.old_path, base), Text.of(path, ours))
            else:
                said = next(_differences(hunk, upstream, here), "")
            if said:
                hunks[at] = replace(one, why=f"{one.why}; {said}")
    return replace(pick, hunks=tuple(hunks))


def _is_elsewhere(one: HunkResult) -> bool:
    return one.kind not in (HunkClass.EXACT, HunkClass.DROPPED)


def _differences(hunk: Hunk, upstream: Text, here: Text) -> Iterator[str]:
    for at_upstream, at_here in _pairs(hunk.lines, "+", upstream, here):
        theirs, ours = _function(upstream, at_upstream), _function(here, at_here)
        if theirs is None or ours is None:
            continue
        if theirs.name != ours.name:
            yield f"it stands {_said_of_functions(theirs, upstream, ours, here)}"
            continue
        there = conditions_around(upstream.lines[theirs.first : at_upstream + 1])
        now = conditions_around(here.lines[ours.first : at_here + 1])
        if there != now:
            yield f"it stands under {_said(now, there)} in the target, upstream under {_said(there, now)}"


def _other_function(hunk: Hunk, upstream: Text, here: Text) -> str:
    """Says where the code is that could not be changed; empty where it is in the same function, or in several."""
    changed = [at for at, line in enumerate(hunk.lines) if line.kind != " "]
    near = hunk.lines[max(0, changed[0] - _NEAR) : changed[-1] + 1 + _NEAR]
    pairs = [(_function(upstream, one), _function(here, other)) for one, other in _pairs(near, " -", upstream, here)]
    homes = {(theirs, ours) for theirs, ours in pairs if theirs is not None and ours is not None}
    if len(pairs) < _FEWEST or len(homes) != 1:
        return ""
    ((theirs, ours),) = homes
    if theirs.name == ours.name:
        return ""
    return f"its code stands {_said_of_functions(theirs, upstream, ours, here)}"


def _pairs(lines: Sequence[Line], kinds: str, upstream: Text, here: Text) -> Iterator[tuple[int, int]]:
    """Where those of these kinds stand in both versions that say something and are there once in each."""
    for line in lines:
        wanted = normal_line(line.text)
        if line.kind in kinds and not is_weak(wanted) and upstream.counts[wanted] == 1 == here.counts[wanted]:
            yield upstream.normal.index(wanted), here.normal.index(wanted)


def _function(text: Text, line: int) -> Block | None:
    block = text.block_at(line, line)
    return block if block is not None and block.name.endswith("()") else None


def _said_of_functions(theirs: Block, upstream: Text, ours: Block, here: Text) -> str:
    said = f"in {ours.name} in the target, upstream in {theirs.name}"
    if theirs.name not in here.block_names and _uses(upstream, ours.name, theirs.name):
        return f"{said}, a helper that was factored out of it"
    if ours.name not in upstream.block_names and _uses(here, theirs.name, ours.name):
        return f"{said}, out of which the target has factored that helper"
    return said


def _uses(text: Text, function: str, helper: str) -> bool:
    word = helper.removesuffix("()").encode()
    return any(word in names_in(text.lines[one.first : one.last + 1]) for one in text.block_names.get(function, []))


def conditions_around(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    r"""The conditions and loops that the last of a function's lines stands in, innermost first, by indentation.

    >>> conditions_around([b"int f(int a)\n", b"{\n", b"\tif (a) {\n", b"\t\tg();\n", b"\t\th();\n"])
    (b'if (a)',)
    """
    found = []
    width = _width(lines[-1])
    for line in reversed(lines[:-1]):
        normal = normal_line(line)
        if normal and _width(line) < width and _CONDITION.match(normal):
            found.append(normal.removesuffix(b"{").strip(b"} "))
            width = _width(line)
    return tuple(found)


def _width(line: bytes) -> int:
    whole = line.expandtabs(_TAB)
    return len(whole) - len(whole.lstrip())


def _said(ones: tuple[bytes, ...], others: tuple[bytes, ...]) -> str:
    own = next((one for one in ones if one not in others), None)
    return f"`{own.decode('utf-8', 'replace')}`" if own is not None else "none of its own"
