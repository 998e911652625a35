"""callees-same: a function that a change calls anew is in the target the one that upstream calls.

Why: its name is known, but it takes other parameters or takes them in another order, or it does less than upstream's:
the call compiles, with a warning at best, and is wrong. Only what the file itself and the headers that it includes
directly tell is asked: a function of the file, or one that the file did not mention before. What it does is asked of
inline functions of headers: a header is not carried along, and its callers rely on what it does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .functions import Function, find_functions, find_headers
from .identifiers import Names
from .values import Carriage, Carried, Objection
from .words import code_of, words_of

ID = "callees-same"
_CALL = re.compile(rb"(?<![\w.>])([a-z_]\w*)[ \t]*\(")
_NO_CALL = frozenset(b"if while for switch return sizeof typeof defined likely unlikely".split())


def object_to_other_callees(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that calls a function which both versions define, and otherwise."""
    result = Overlay(carriage.target, {one.path: one.result for one in carriage.files})
    for one in carriage.files:
        if one.versions is None or carriage.after is None or not one.path.endswith((".c", ".h")):
            continue
        before = one.versions.base.lines
        called = {edit: called_in(edit.new) - called_in(before[edit.first : edit.last]) for edit in one.edits}
        names = {name for each in called.values() for name in each}
        if not names:
            continue
        others = _others(one, names, result, carriage.after, Names(carriage.target))
        for edit, used in called.items():
            for name in sorted(used & others.keys()):
                yield Objection(
                    ID, one.path, edit.hunk, f"it calls {name.decode()}, which {others[name]} in the target"
                )


def called_in(lines: Iterable[bytes]) -> frozenset[bytes]:
    """
    >>> sorted(called_in([b"if (f(a)) x->g(b);"]))
    [b'f']
    """
    return frozenset(_CALL.findall(code_of(lines))) - _NO_CALL


def _others(
    carried: Carried, names: set[bytes], result: BlobSource, after: BlobSource, known: Names
) -> Mapping[bytes, str]:
    """What is otherwise in the target about each function that is."""
    assert carried.versions is not None, "a file that was changed"
    upstream = carried.diff.new_path or carried.path
    new = names - words_of(carried.versions.ours.data)
    found: dict[bytes, str] = {}
    for wanted, places in ((names - new, _itself), (new, find_headers)):
        here = find_functions(wanted, result, places(result, carried.path))
        there = find_functions(here.keys(), after, places(after, upstream))
        for name in here.keys() & there.keys():
            if not any(one.takes_as(other) for one in here[name] for other in there[name]):
                found[name] = "takes other parameters"
            elif name in new and (lacking := _lacking(here[name], there[name], known, carried.path)):
                found[name] = f"does without {lacking}"
    return found


def _itself(_: BlobSource, path: RepoPath) -> tuple[RepoPath, ...]:
    return (path,)


def _lacking(here: set[Function], there: set[Function], known: Names, path: RepoPath) -> str:
    """A name that upstream's one definition uses and the target does not have; empty where nothing like it is known."""
    bodies = [one.body for one in there if one.body]
    if len(bodies) != 1 or len(here) != 1 or not (own := next(iter(here)).body):
        return ""
    lacking = known.unknown(bodies[0] - own, path)
    return min(lacking).decode() if lacking else ""
