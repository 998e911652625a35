"""Carries a change to another version: where it stands, whether it is needed, what has to come first, what follows."""

from .answer import Answer, Part
from .change import Change, change_of_patch
from .commit_job import Job, backport_change
from .engine import carry_change
from .history import find_tips, read_change
from .hook_job import HookJob, backport_hook, settle_hook
from .indexed import open_past
from .outcome import Evidence, HunkResult, Outcome, Pick, RelatedCommit
from .past import Past, WalkedPast
from .ports import Modelling, Ports, Proposal, RememberingModel
from .presence import ChangePresence, ChangeState, is_present, judge_change
from .renames import find_renames
from .verdicts import LayoutVerdict, ModelResult, Verdict

__all__ = [
    "Answer",
    "Change",
    "ChangePresence",
    "ChangeState",
    "Evidence",
    "HookJob",
    "HunkResult",
    "Job",
    "LayoutVerdict",
    "ModelResult",
    "Modelling",
    "Outcome",
    "Part",
    "Past",
    "Pick",
    "Ports",
    "Proposal",
    "RelatedCommit",
    "RememberingModel",
    "Verdict",
    "WalkedPast",
    "backport_change",
    "backport_hook",
    "carry_change",
    "change_of_patch",
    "find_renames",
    "find_tips",
    "is_present",
    "judge_change",
    "open_past",
    "read_change",
    "settle_hook",
]
