"""Later upstream commits that fix a change, speak of it, take it back, or only touch what it added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import fixes, upstream_reference
from kpatch_tools.tree import CommitData

from .change import Change
from .functions import find_functions
from .history import read_change
from .index import normal_subject
from .inverse import reverts
from .lines import normal_line
from .outcome import RelatedCommit, State
from .past import Past
from .presence import is_present
from .sites import Site, find_sites, is_strong


@dataclass(frozen=True, slots=True)
class Followup:
    """A later commit, and why it belongs with the change."""

    change: Change
    why: str


def find_followups(past: Past, change: Change, *, tips: Sequence[ObjectId]) -> tuple[Followup, ...]:
    """The follow-ups of a commit in the history below `tips`, oldest first; none of a change that is no commit."""
    if change.commit is None:
        return ()
    own = past.tree.commit(change.commit)
    found: dict[ObjectId, tuple[CommitData, Followup]] = {}
    for commit in past.speaking_of(own, tips=tips):
        if not _is_the_same(commit, change):
            later = read_change(past.tree, commit)
            found[commit.oid] = commit, Followup(later, _what_it_says(later, change))
    added = AddedCode.of(change)
    for commit in past.only_touching(change.touched, tips=tips, after=own):
        if commit.oid in found or upstream_reference(commit.message):
            continue
        later = read_change(past.tree, commit)
        if reverts(later, change):
            found[commit.oid] = commit, Followup(later, "takes it back")
        elif added.covers(later):
            found[commit.oid] = commit, Followup(later, "only touches what this change added")
    ordered = sorted(found.values(), key=lambda item: (item[0].committer.when, item[0].oid))
    return tuple(followup for _, followup in ordered)


def judge_followups(
    followups: Sequence[Followup], *, target: BlobSource, result: BlobSource | None
) -> tuple[RelatedCommit, ...]:
    """The follow-ups with their state in `target`; `result` is the target with the backport, None if there is none."""
    return tuple(_related(one, target, result) for one in followups)


def _is_the_same(commit: CommitData, change: Change) -> bool:
    """Whether a commit is the same change on another branch."""
    return commit.subject == change.subject or upstream_reference(commit.message) is not None


def _what_it_says(later: Change, change: Change) -> str:
    """What a later change whose message speaks of this one is to it."""
    if reverts(later, change):
        return "takes it back"
    assert change.commit is not None, "only a commit can be spoken of"
    for reference in fixes(later.message):
        is_quoted = reference.subject and normal_subject(reference.subject) == normal_subject(change.subject)
        if is_quoted or change.commit.startswith(reference.commit):
            return "Fixes: it"
    return "its message speaks of it"


class AddedCode:
    """What a change added: its own lines per file, and the functions that did not exist before."""

    def __init__(
        self, lines: frozenset[tuple[RepoPath, bytes]], functions: frozenset[tuple[RepoPath, str | None]]
    ) -> None:
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
        sites = [site for file in later.files for site in find_sites(file)]
        if not sites or not all(self._has_lines(site) for site in sites if site.removed):
            return False
        if all(site.removed for site in sites):
            return True
        # Only now are the functions of whole files looked for.
        return bool(self._functions) and all(
            site.removed or (site.file, site.function) in self._functions
            for file in later.files
            for site in find_sites(file, after=later.after)
        )

    def _has_lines(self, site: Site) -> bool:
        return any(map(is_strong, site.removed)) and all((site.file, line) in self._lines for line in site.removed)


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
    if is_present(change, target):
        state = "present"
    elif result is not None and is_present(change, result):
        state = "folded-in"
    return RelatedCommit(change.commit, change.subject, "followup", state, followup.why)
