"""What a rule is, and what it says."""

from dataclasses import dataclass

from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.span import Location


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be wrong with a slot. `id` is stable. `example`: miniature C that the rule speaks up about."""

    id: str
    title: str
    why: str
    example: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that shows it, and what stands there."""

    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule's statement about one slot of one type.

    `status`: FAIL where the code is wrong as it stands, WARN where it only misleads. `subject`: what is named, apart
    from the slot: the function, or the instance; "" where the slot alone is.
    """

    rule: Rule
    status: Status
    type: str
    slot: str
    subject: str
    location: Location
    message: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def finding(self) -> Finding:
        return Finding(self.rule.id, self.status, self.message, self.location.file, self.location.line)
