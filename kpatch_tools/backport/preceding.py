"""Among which upstream commits to look for those that have to come before a change, and how a set of them is tried."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import chain

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff
from kpatch_tools.syntax.includes import Includes
from kpatch_tools.tree import CommitData

from .change import Change
from .engine import Renames, carry_change
from .explained import Explaining, left_hunks
from .guards.identifiers import Names, find_unknown
from .guards.words import words_of
from .history import find_candidates
from .outcome import HunkResult
from .past import Past
from .plain import merge_plainly
from .prerequisites import Attempt, select_candidates

UNPROMISING = 4
"""So often the whole engine is tried on a set after which git would still stop: it takes a hundred times as long."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A change on its way to a target. `hunks` is what came of them there."""

    past: Past
    change: Change
    target: ObjectId
    source: BlobSource
    renamed: Renames
    hunks: tuple[HunkResult, ...]


def find_pool(subject: Subject) -> tuple[Change, ...]:
    """The commits worth trying, parents first.

    For hunks that do not go on, those that made the conflict; for names that the target lacks, those that brought
    them; for a change that goes on and still does not do, all of its files' commits.
    """
    past, change, source = subject.past, subject.change, subject.source
    assert change.commit is not None, "a bare patch has no history"
    refused = [one for one in subject.hunks if not one.guard]
    conflicts = left_hunks(change, refused, subject.renamed)
    names = _lacking(subject)
    if not conflicts and not names:
        return select_candidates(
            find_candidates(past, target=subject.target, upstream=change.commit, paths=change.touched),
            source,
            renamed=subject.renamed,
        )
    parent = past.tree.commit(change.commit).parents[0]
    explaining = Explaining(past, below=parent, target=subject.target, source=source, renamed=subject.renamed)
    pool = explaining.close_over(chain(explaining.of(change, conflicts), _bringing(subject, names)))
    return select_candidates(pool, source, renamed=subject.renamed)


def _lacking(subject: Subject) -> frozenset[bytes]:
    """The names that the change uses and the target does not have."""
    change = subject.change
    upstream = Names(change.before) if change.before is not None else None
    files = [
        (file, subject.renamed.get(file.new_path, file.new_path)) for file in change.files if file.new_path is not None
    ]
    unknown = find_unknown(files, Names(subject.source), upstream)
    return frozenset(name for one in unknown for name in one.names)


def _bringing(subject: Subject, names: frozenset[bytes]) -> Iterable[CommitData]:
    """The commits that added lines with one of `names` to the change's files, or to headers that these see."""
    change, tree = subject.change, subject.past.tree
    if not names or change.before is None or change.commit is None:
        return
    includes = Includes(change.before)
    seen = {header for path in change.touched for header in includes.closure(path).headers}
    paths = [path for path in dict.fromkeys((*change.touched, *sorted(seen))) if _those_in(change.before, path, names)]
    for path in paths:
        for commit in subject.past.between(subject.target, tree.commit(change.commit).parents[0], [path]):
            before, after = tree.at(commit.parents[0]), tree.at(commit.tree)
            if _those_in(after, path, names) - _those_in(before, path, names):
                yield commit


def _those_in(source: BlobSource, path: RepoPath, names: frozenset[bytes]) -> Set[bytes]:
    data = source.read(path) or b""
    near = {name for name in names if name in data}
    return near & words_of(data) if near else frozenset()


def attempt_of(subject: Subject) -> Attempt:
    """How the change is put on a target with something taken before it.

    Where files do not go on, a set after which git can merge them is tried by the whole engine, and of the others only
    the first few.
    """
    change, renamed = subject.change, subject.renamed
    needy = {one.file for one in subject.hunks if one.kind is HunkClass.NEEDS_HUMAN}
    files = tuple(file for file in change.files if _path(file, renamed) in needy)
    part = Change(change.subject, change.message, files, change.commit, change.before, change.after)
    left = UNPROMISING

    def attempt(before: BlobSource) -> Mapping[RepoPath, bytes | None] | None:
        nonlocal left
        if merge_plainly(part, before, renamed=renamed) is None:
            if left == 0:
                return None
            left -= 1
        # What is adapted, it could be without a prerequisite: that is the other way out.
        pick = carry_change(change, before, renamed=renamed, adapting=not needy)
        return pick.changes if pick.clean else None

    return attempt


def _path(file: FileDiff, renamed: Renames) -> RepoPath:
    path = file.new_path or file.old_path
    assert path is not None, "a diff names a file"
    return renamed.get(path, path)
