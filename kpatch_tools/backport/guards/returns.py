"""returns-fit: what a change puts into a function is reached, returns what that function returns, and cuts off nothing.

Why: the target's function returns nothing where upstream's returns a value, or goes on where upstream's ends. What
stands behind a `return`, `goto`, `break` or `continue` is never executed, and nothing conflicts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.tree import LineHunk, diff_lines

from .values import Carriage, Carried, Objection, Versions
from .words import code_of

ID = "returns-fit"
_LEAVES = re.compile(rb"(?:return\b[^;{}]*|goto\s+\w+|break|continue)\s*;")
_REACHED = re.compile(rb"(?:case\b.*|default\s*|\w+\s*):|[{}#]|/\*|\*")
_VALUE = re.compile(rb"\breturn\s*([^\s;][^;]*)?;")


def object_to_returns(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk of which a line is never reached, or returns a value where none is expected, or none."""
    for one in carriage.files:
        versions = one.versions
        if versions is None or one.base == one.ours or not one.path.endswith(".c"):
            continue
        lost = _unreached(versions)
        for edit in one.edits:
            added = {line for new in edit.new if (line := normal_line(new))}
            behind = [line for line, jump in lost.items() if line in added or jump in added]
            if behind:
                said = behind[0].decode("utf-8", "replace")
                yield Objection(ID, one.path, edit.hunk, f"the target leaves before it comes to: {said}")
            elif why := _misfit(one, edit, versions):
                yield Objection(ID, one.path, edit.hunk, why)


def _unreached(versions: Versions) -> Mapping[bytes, bytes]:
    """The lines that came to stand directly behind a jump of their own depth, and do not upstream, with the jump."""
    lost = _behind_jumps(versions.delta, versions.result.lines)
    base, theirs = versions.base.data, versions.theirs
    known = _behind_jumps(diff_lines(base, theirs.data, context=0), theirs.lines) if lost else {}
    return {line: jump for line, jump in lost.items() if line not in known}


def _behind_jumps(hunks: Iterable[LineHunk], after: Sequence[bytes]) -> dict[bytes, bytes]:
    """The lines that the hunks put behind a jump, in a file that is `after` then, with the jump."""
    found = {}
    for hunk in hunks:
        first = hunk.new_start - 1
        end = min(first + hunk.new_count + 1, len(after))  # what follows may be cut off by what was put in
        for at in range(first, end) if hunk.new_count else ():
            line = normal_line(after[at])
            above = next((index for index in range(at - 1, -1, -1) if after[index].strip()), None)
            if above is None or not line or _REACHED.match(line):
                continue
            jump = normal_line(after[above])
            if _LEAVES.fullmatch(jump) and _depth(after[above]) == _depth(after[at]):
                found[line] = jump
    return found


def _depth(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip())]


def _misfit(carried: Carried, edit: Edit, versions: Versions) -> str:
    """Why what the edit returns does not fit; empty where it does, or where the functions are not known."""
    returned = _VALUE.findall(code_of(edit.new))
    place = carried.place(edit) if returned else None
    theirs = versions.base.twin(place.base, versions.theirs) if place is not None else None
    if place is None or theirs is None or not place.base.name.endswith("()"):
        return ""
    there, here = _is_void(versions.theirs, theirs), _is_void(versions.result, place.result)
    if there != _is_void(versions.base, place.base):
        return ""  # the change makes it another function; the hunk that does may be left
    if here and not there and any(returned):
        return f"it returns a value, and the target's {place.result.name} returns none"
    if there and not here and not all(returned):
        return f"it returns no value, and the target's {place.result.name} returns one"
    return ""


def _is_void(text: Text, block: Block) -> bool:
    """Whether a function is declared to return nothing."""
    head = code_of(_head(text.lines[block.first : block.last + 1]))
    name = re.escape(block.name.removesuffix("()").encode())
    return re.search(rb"\bvoid\s+(?:__?\w+\s+)*" + name + rb"\s*\(", head) is not None


def _head(lines: Sequence[bytes]) -> list[bytes]:
    end = next((index for index, line in enumerate(lines) if line.startswith(b"{")), 0)
    return list(lines[: end + 1])
