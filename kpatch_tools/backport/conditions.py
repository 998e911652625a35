"""Says of hunks that are not as upstream's where they stand under other conditions than there.

A changed condition around an edit is on backporting.rst's list of what goes on unnoticed. It is said, and no reason to
refuse: of 74 real changes that were merged or moved, three stand under another one, and maintainers left them there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import Hunk

from .change import Change
from .lines import normal_line
from .merge.text import Text, is_weak
from .outcome import HunkResult, Pick

_CONDITION = re.compile(rb"(?:\} ?)?(?:else\b|if\b|for\b|while\b|switch\b|case\b|default:|\w*for_each\w*)")
_TAB = 8


def say_conditions(change: Change, target: BlobSource, pick: Pick) -> Pick:
    """`pick`, in which the reasons name the innermost condition that is another one in the target."""
    if change.before is None or change.after is None or all(one.kind is HunkClass.EXACT for one in pick.hunks):
        return pick
    hunks = list(pick.hunks)
    for file in change.files:
        path = pick.renamed.get(file.path, file.path)
        mine = [at for at, one in enumerate(hunks) if one.file == path and _is_elsewhere(one)]
        theirs, result = change.after.read(file.path), pick.changes.get(path)
        if not mine or theirs is None or result is None or file.old_path is None or not path.endswith(".c"):
            continue
        upstream, here = Text.of(file.path, theirs), Text.of(path, result)
        for at in mine:
            said = next(_differences(file.hunks[hunks[at].number - 1], upstream, here), "")
            if said:
                hunks[at] = replace(hunks[at], why=f"{hunks[at].why}; {said}")
    return replace(pick, hunks=tuple(hunks))


def _is_elsewhere(one: HunkResult) -> bool:
    return one.kind not in (HunkClass.EXACT, HunkClass.DROPPED, HunkClass.NEEDS_HUMAN)


def _differences(hunk: Hunk, upstream: Text, here: Text) -> Iterator[str]:
    for line in hunk.lines:
        wanted = normal_line(line.text)
        if line.kind != "+" or is_weak(wanted) or upstream.counts[wanted] != 1 or here.counts[wanted] != 1:
            continue
        there, now = _around(upstream, wanted), _around(here, wanted)
        if there is not None and now is not None and there != now:
            yield f"it stands under {_said(now, there)} in the target, upstream under {_said(there, now)}"


def _around(text: Text, wanted: bytes) -> tuple[bytes, ...] | None:
    """The conditions around the one line that reads so, innermost first; None outside of functions."""
    at = text.normal.index(wanted)
    block = text.block_at(at, at)
    if block is None or not block.name.endswith("()"):
        return None
    return conditions_around(text.lines[block.first : at + 1])


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
