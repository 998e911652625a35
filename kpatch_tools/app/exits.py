"""What a run's answer means to a script."""

from collections.abc import Iterable
from enum import IntEnum

from kpatch_tools.core.finding import Finding, Status, worst


class Exit(IntEnum):
    """The exit codes of the command line's contract."""

    DONE = 0
    """Done, or nothing to do."""
    PERSON = 1
    """A person is needed."""
    BAD_INPUT = 2
    UNDETERMINED = 3
    """The answer depends on something undetermined or in ERROR."""


def exit_of_findings(findings: Iterable[Finding]) -> Exit:
    """FAIL needs a person, ERROR (and silence) is undetermined, WARN and SKIP are neither."""
    match worst(findings):
        case Status.FAIL:
            return Exit.PERSON
        case Status.ERROR:
            return Exit.UNDETERMINED
        case Status.WARN | Status.SKIP | Status.PASS:
            return Exit.DONE
