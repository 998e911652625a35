"""Every check there is, in the order in which they report."""

from collections.abc import Iterable, Iterator

from kpatch_tools.checks import (
    conformity,
    direction,
    fixes,
    hook_complete,
    identifiers,
    layering,
    parse_damage,
    prototype_visible,
    sections,
    signed_off,
    slot_called,
    slot_declared,
    slot_default,
    slot_signature,
    stable_rules,
    upstream,
)
from kpatch_tools.checks.check import Change, Check
from kpatch_tools.core.finding import Finding, Status

ALL_CHECKS: tuple[Check, ...] = (
    parse_damage.CHECK,
    identifiers.CHECK,
    hook_complete.CHECK,
    slot_declared.CHECK,
    slot_default.CHECK,
    slot_signature.CHECK,
    prototype_visible.CHECK,
    slot_called.CHECK,
    layering.CHECK,
    sections.CHECK,
    upstream.CHECK,
    conformity.CHECK,
    stable_rules.CHECK,
    fixes.CHECK,
    signed_off.CHECK,
    direction.CHECK,
)


def run_checks(change: Change, *, checks: Iterable[Check] = ALL_CHECKS) -> tuple[Finding, ...]:
    """What each of `checks` says about `change`, in order; a check that says nothing is in ERROR."""
    return tuple(finding for check in checks for finding in _run(check, change))


def _run(check: Check, change: Change) -> Iterator[Finding]:
    findings = tuple(check.run(change))
    if not findings:
        yield Finding(check.id, Status.ERROR, f"{check.id} did not report")
    yield from findings
