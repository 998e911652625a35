"""Later upstream commits that fix a change, speak of it, take it back, or only touch what it added."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import upstream_reference
from kpatch_tools.tree import CommitData, KernelTree

from .change import Change
from .functions import find_functions
from .history import read_change, touches_only
from .inverse import reverts
from .lines import normal_line
from .outcome import RelatedCommit, State
from .presence import ChangeState, judge_change
from .sites import Site, find_sites, is_strong
from .trail import follow_files

ABBREVIATION = 8
"""Ids are cited with at least so many digits; fewer are too often something else."""


@dataclass(frozen=True, slots=True)
class Followup:
    """A later commit, and why it belongs with the change."""

    change: Change
    why: str


def find_followups(tree: KernelTree, change: Change, *, tips: Sequence[ObjectId]) -> tuple[Followup, ...]:
    """The follow-ups of a commit in the history below `tips`, oldest first; none of a change that is no commit."""
    if change.commit is None:
        return ()
    found: dict[ObjectId, tuple[CommitData, str]] = {}
    for commit, why in _speaking(tree, change, tips):
        found[commit.oid] = commit, why
    added = AddedCode.of(change)
    for commit in follow_files(tree, tips=tips, paths=change.touched, until=tree.commit(change.commit)):
        if commit.oid in found or upstream_reference(commit.message):
            continue
        if not touches_only(tree, commit, change.touched):
            continue
        later = read_change(tree, commit)
        if reverts(later, change):
            found[commit.oid] = commit, "takes it back"
        elif added.covers(later):
            found[commit.oid] = commit, "only touches what this change added"
    ordered = sorted(found.values(), key=lambda item: (item[0].committer.when, item[0].oid))
    return tuple(Followup(read_change(tree, commit), why) for commit, why in ordered)


def judge_followups(
    followups: Sequence[Followup], *, target: BlobSource, result: BlobSource | None
) -> tuple[RelatedCommit, ...]:
    """The follow-ups with their state in `target`; `result` is the target with the backport, None if there is none."""
    return tuple(_related(one, target, result) for one in followups)


def _speaking(tree: KernelTree, change: Change, tips: Sequence[ObjectId]) -> Iterator[tuple[CommitData, str]]:
    """Later commits whose message cites the change, by id or by its subject."""
    assert change.commit is not None, "only a commit can be cited"
    cited = change.commit[:ABBREVIATION].encode()
    subject = change.subject.encode("utf-8", "surrogateescape")
    for commit in tree.find_commits(include=tips, exclude=[change.commit], containing=(cited, subject)):
        if len(commit.parents) != 1:
            continue
        message = commit.message
        if commit.subject == change.subject or upstream_reference(message):
            continue  # the same change on another branch
        if reverts(read_change(tree, commit), change):
            yield commit, "takes it back"
            continue
        yield commit, "Fixes: it" if _fixes(message, cited, subject) else "its message speaks of it"


def _fixes(message: bytes, cited: bytes, subject: bytes) -> bool:
    return any(
        line.lower().startswith(b"fixes:") and (cited in line or subject in line) for line in message.splitlines()
    )


class AddedCode:
    """What a change added: its own lines per file, and the functions that did not exist before."""

    def __init__(self, lines: frozenset[tuple[RepoPath, bytes]], functions: frozenset[tuple[RepoPath, str]]) -> None:
        self._lines = lines
        self._functions = functions

    @classmethod
    def of(cls, change: Change) -> "AddedCode":
        lines = frozenset(
            (file.new_path, normal_line(line.text))
            for file in change.files
            if file.new_path is not None
            for hunk in file.hunks
            for line in hunk.lines
            if line.kind == "+" and line.text.strip()
        )
        return cls(lines, frozenset(_new_functions(change)))

    def covers(self, later: Change) -> bool:
        """Whether everything that `later` does is done to those lines or inside those functions."""
        sites = [site for file in later.files for site in find_sites(file, after=later.after)]
        return bool(sites) and all(self._covers(site) for site in sites)

    def _covers(self, site: Site) -> bool:
        if site.removed:
            return any(map(is_strong, site.removed)) and all((site.file, line) in self._lines for line in site.removed)
        return site.function is not None and (site.file, site.function) in self._functions


def _new_functions(change: Change) -> Iterable[tuple[RepoPath, str]]:
    for path in (file.new_path for file in change.files):
        if path is None or change.after is None or change.before is None:
            continue
        new = {one.name for one in find_functions(path, change.after.read(path) or b"")}
        old = {one.name for one in find_functions(path, change.before.read(path) or b"")}
        yield from ((path, name) for name in new - old)


def _related(followup: Followup, target: BlobSource, result: BlobSource | None) -> RelatedCommit:
    change = followup.change
    assert change.commit is not None, "follow-ups are commits"
    state: State = "missing"
    if judge_change(change, target).state is ChangeState.PRESENT:
        state = "present"
    elif result is not None and judge_change(change, result).state is ChangeState.PRESENT:
        state = "folded-in"
    return RelatedCommit(change.commit, change.subject, "followup", state, followup.why)
