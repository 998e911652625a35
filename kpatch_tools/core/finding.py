"""What a check says: findings, and their sum."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from .ids import RepoPath


class Status(IntEnum):
    """Ordered: the worst wins. WARN is a matter of taste or design that a person may well want: it stops nothing."""

    PASS = 0
    SKIP = 1
    WARN = 2
    ERROR = 3
    FAIL = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one check.

    `id` is the check's stable id. `file` and `line` (1-based, in the file after the patch) are None where the
    statement is about the patch as a whole. `message` says what is wrong or was shown; `hint` what to do, if known.
    """

    id: str
    status: Status
    message: str
    file: RepoPath | None = None
    line: int | None = None
    hint: str = ""


def worst(findings: Iterable[Finding]) -> Status:
    """The worst status of `findings`. Silence is ERROR: a check that never reported has not passed."""
    return max((finding.status for finding in findings), default=Status.ERROR)


def finding_fields(finding: Finding) -> dict[str, object]:
    """One finding in the JSON form that every verb prints."""
    return {
        "id": finding.id,
        "status": finding.status.name,
        "message": finding.message,
        "file": finding.file,
        "line": finding.line,
        "hint": finding.hint,
    }
