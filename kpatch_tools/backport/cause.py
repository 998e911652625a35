"""Whether what a change repairs is in the target at all: the commit it names as the cause, judged by the code."""

from dataclasses import dataclass, replace
from enum import Enum

from kpatch_tools.tree import CommitData, TreeAt

from .change import Change
from .citations import find_citations, resolve_citation
from .history import read_change
from .outcome import Evidence
from .past import Past
from .presence import ChangeState, judge_change
from .sites import JudgedSite


class CauseState(Enum):
    PRESENT = "present"
    ABSENT = "absent"
    """Every named cause is in the history at hand, and none of its code is in the target."""
    UNKNOWN = "unknown"
    """The change names no cause, or one that is not in this history."""


@dataclass(frozen=True, slots=True)
class CauseAnswer:
    state: CauseState
    evidence: tuple[Evidence, ...]


def judge_cause(past: Past, change: Change, *, target: TreeAt) -> CauseAnswer:
    """Whether a commit that `change` names as its cause has left code in `target`."""
    evidence: list[Evidence] = []
    states: set[CauseState] = set()
    for citation in find_citations(change.message):
        cause = resolve_citation(past, citation, citing=change.commit)
        if cause is None or len(cause.parents) != 1:
            said = f' ("{citation.subject}")' if citation.subject else ""
            states.add(CauseState.UNKNOWN)
            evidence.append(
                Evidence("cause-unknown", f"it names {citation.spelled}{said} as its cause, which this history lacks")
            )
            continue
        state, found = _judge(past, cause, f"named as the cause ({citation.how})", target)
        states.add(state)
        evidence.append(found)
    for state in (CauseState.PRESENT, CauseState.UNKNOWN, CauseState.ABSENT):
        if state in states:
            return CauseAnswer(state, tuple(evidence))
    return CauseAnswer(CauseState.UNKNOWN, tuple(evidence))


def _judge(past: Past, cause: CommitData, role: str, target: TreeAt) -> tuple[CauseState, Evidence]:
    """Later work changes lines again: the cause is absent only where its code is as before, and is there nowhere."""
    name = f'{cause.oid[:12]} ("{cause.subject}"), {role}'
    presence = judge_change(read_change(past.tree, cause), target)
    if not presence.there and 2 * len(presence.undone) >= len(presence.sites) > 0:
        place = next((one for one in presence.undone if one.line is not None), None)
        message = f"{name}, is not in the target: its code is as it was before"
        return CauseState.ABSENT, _at(place, Evidence("cause-absent", message, commit=cause.oid))
    if presence.state is not ChangeState.ABSENT:
        seen = next((one for one in presence.there if one.line is not None), None)
        return CauseState.PRESENT, _at(seen, Evidence("cause-present", f"{name}, is in the target", commit=cause.oid))
    if past.is_ancestor(cause.oid, target.oid):
        message = f"{name}, is in the target's history, and its code has changed since"
        return CauseState.PRESENT, Evidence("cause-present", message, commit=cause.oid)
    message = f"{name}: its code is in the target neither as before nor as after it"
    return CauseState.UNKNOWN, Evidence("cause-unknown", message, commit=cause.oid)


def _at(place: JudgedSite | None, evidence: Evidence) -> Evidence:
    return evidence if place is None else replace(evidence, file=place.file, line=place.line)
