"""Whether a change is in a version of the code: proved by the code alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff

from .change import Change
from .lines import normal_line
from .sites import JudgedSite, SiteState, bare_line, judge_sites

PARTIAL_SHARE = 0.25
"""Below this share of recognisable lines, what is there is coincidence (an #include, a shared idiom), not a part."""


class ChangeState(Enum):
    PRESENT = "present"
    PARTIAL = "partial"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class ChangePresence:
    """`sites` in the change's order."""

    state: ChangeState
    sites: tuple[JudgedSite, ...]

    @property
    def there(self) -> tuple[JudgedSite, ...]:
        return tuple(one for one in self.sites if one.state in (SiteState.PRESENT, SiteState.CHANGED))

    @property
    def undone(self) -> tuple[JudgedSite, ...]:
        """The sites at which the code is as it was before the change."""
        return tuple(one for one in self.sites if one.state is SiteState.ABSENT)

    @property
    def gone(self) -> tuple[JudgedSite, ...]:
        """The sites at which neither version of the code is left."""
        return tuple(one for one in self.sites if one.state is SiteState.GONE)


def judge_change(
    change: Change, target: BlobSource, *, renamed: Mapping[RepoPath, RepoPath] | None = None
) -> ChangePresence:
    """Whether `target` has the change: all of its lines in the right functions, and none of those it takes out."""
    sites = judge_sites(change.files, target, after=change.after, renamed=renamed)
    there = [one for one in sites if one.state in (SiteState.PRESENT, SiteState.CHANGED)]
    if sites and len(there) == len(sites):
        return ChangePresence(ChangeState.PRESENT, sites)
    weight = sum(_weight(one) for one in sites if one.site.strong)
    found = sum(_weight(one) for one in there if one.site.strong and one.site.added)
    if found and found >= PARTIAL_SHARE * weight:
        return ChangePresence(ChangeState.PARTIAL, sites)
    return ChangePresence(ChangeState.ABSENT, sites)


def is_present(change: Change, target: BlobSource, *, renamed: Mapping[RepoPath, RepoPath] | None = None) -> bool:
    """Whether `judge_change` says PRESENT; in a fraction of its time where a line of the change is nowhere."""
    if not all(_may_have(file, target, renamed or {}) for file in change.files):
        return False
    return judge_change(change, target, renamed=renamed).state is ChangeState.PRESENT


def _may_have(file: FileDiff, target: BlobSource, renamed: Mapping[RepoPath, RepoPath]) -> bool:
    """Whether every line that is put into a file stands somewhere in the target's, section annotations aside."""
    if file.new_path is None:
        return True
    added = (normal_line(line.text) for hunk in file.hunks for line in hunk.lines if line.kind == "+")
    wanted = {bare_line(line) for line in added if line}
    data = target.read(renamed.get(file.new_path, file.new_path)) if wanted else None
    if data is None:
        return not wanted
    there = set(map(normal_line, data.split(b"\n")))
    missing = wanted - there
    return not missing or missing <= {bare_line(line) for line in there if b"__" in line}


def _weight(judged: JudgedSite) -> int:
    return len(judged.site.added) + len(judged.site.removed)
