"""Use case: the gate before a merge or a push: every commit that is to come in, reviewed where it stands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kpatch_tools.app.review_input import Input, inputs_of_walk
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree

_UPDATE = re.compile(r"(\S+) ([0-9a-f]{40}) (\S+) ([0-9a-f]{40})|([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)")


@dataclass(frozen=True, slots=True)
class Update:
    """A ref that is to move from `old` (None: it is new) to `new`; what deletes a ref brings nothing in."""

    ref: str
    old: ObjectId | None
    new: ObjectId


def updates_of_push(lines: Iterable[str]) -> tuple[Update, ...]:
    """What git gives the hooks pre-push ("LOCAL OID REMOTE OID") and pre-receive ("OLD NEW REF") on standard input.

    Deleted refs are left out. KpatchError malformed-hook-input.
    """
    found: list[Update] = []
    for line in lines:
        if not line.strip():
            continue
        match = _UPDATE.fullmatch(line.strip())
        if match is None:
            raise KpatchError(
                "malformed-hook-input",
                f"{line.strip()!r} is not what git tells a hook",
                hint="this is run by git: kpt premerge BASE..HEAD is for people",
            )
        local, new, remote, old, old_here, new_here, ref = match.groups()
        new, old, ref = (new, old, remote) if local else (new_here, old_here, ref)
        if new.strip("0"):
            found.append(Update(ref, ObjectId(old) if old.strip("0") else None, ObjectId(new)))
    return tuple(found)


def incoming(tree: KernelTree, updates: Sequence[Update], known: Iterable[ObjectId]) -> tuple[Input, ...]:
    """The commits that come in with `updates`: in none of the refs before, nor below `known`, which is there already.

    Merges are left out, as what they bring is not, and so are first commits, which change nothing.
    """
    there = [oid for oid in (*known, *(update.old for update in updates if update.old)) if tree.has_object(oid)]
    new = tuple(dict.fromkeys(update.new for update in updates))
    return (
        inputs_of_walk(tree, tree.walk(include=new, exclude=tuple(dict.fromkeys(there)), reverse=True)) if new else ()
    )
