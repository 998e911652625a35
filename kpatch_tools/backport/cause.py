"""Whether what a change repairs is in the target at all: the commit it names as the cause, judged by the code."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.source import BlobSource
from kpatch_tools.tree import KernelTree

from .change import Change
from .citations import find_citations, resolve_citation
from .history import read_change
from .outcome import Evidence
from .presence import ChangeState, judge_change


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


def judge_cause(tree: KernelTree, change: Change, *, target: BlobSource, citing: Sequence[ObjectId]) -> CauseAnswer:
    """Whether a commit that `change` names as its cause has left code in `target`.

    `citing` are the commits below which the named one is looked for: the change's own, or the tips for a patch.
    """
    evidence: list[Evidence] = []
    states: set[CauseState] = set()
    for citation in find_citations(change.message):
        cause = next(filter(None, (resolve_citation(tree, citation, citing=oid) for oid in citing)), None)
        if cause is None or len(cause.parents) != 1:
            states.add(CauseState.UNKNOWN)
            said = f'("{citation.subject}")' if citation.subject else ""
            evidence.append(
                Evidence(
                    "cause-unknown", f"it names {citation.spelled} {said} as its cause, which is not in this history"
                )
            )
            continue
        name = f'{cause.oid[:12]} ("{cause.subject}"), named as the cause ({citation.how})'
        presence = judge_change(read_change(tree, cause), target)
        # Later work changes lines again: whatever is left of the cause makes the target affected.
        if presence.state is ChangeState.ABSENT:
            states.add(CauseState.ABSENT)
            place = next((one for one in presence.undone if one.line is not None), None)
            evidence.append(
                Evidence(
                    "cause-absent",
                    f"{name}, is not in the target: its code is as it was before",
                    place.file if place else None,
                    place.line if place else None,
                    cause.oid,
                )
            )
        else:
            states.add(CauseState.PRESENT)
            seen = next((one for one in presence.there if one.line is not None), None)
            evidence.append(
                Evidence(
                    "cause-present",
                    f"{name}, is in the target",
                    seen.file if seen else None,
                    seen.line if seen else None,
                    cause.oid,
                )
            )
    for state in (CauseState.PRESENT, CauseState.UNKNOWN, CauseState.ABSENT):
        if state in states:
            return CauseAnswer(state, tuple(evidence))
    return CauseAnswer(CauseState.UNKNOWN, tuple(evidence))
