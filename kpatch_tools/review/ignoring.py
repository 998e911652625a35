"""Findings that a project has looked at and does not want to hear of again, each with the reason."""

import fnmatch
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding

from .values import Placed, Review

_FIELDS = {"id", "file", "message", "reason"}


@dataclass(frozen=True, slots=True)
class Ignore:
    """Fits findings of check `id` whose file fits the pattern `file` and whose message holds `message`; "" fits all."""

    id: str
    reason: str
    file: str = ""
    message: str = ""

    def fits(self, finding: Finding) -> bool:
        """Whether the finding is one of those."""
        return (
            finding.id == self.id
            and (not self.file or fnmatch.fnmatchcase(finding.file or "", self.file))
            and self.message in finding.message
        )


def parse_ignores(text: str, name: str, known: Iterable[str]) -> tuple[Ignore, ...]:
    """The entries of an ignore file: `[[ignore]]` tables with `id`, `reason`, and optionally `file` and `message`.

    KpatchError malformed-ignore-file, also for an id that is none of `known`, which would silently ignore nothing.
    """
    ids = sorted(known)
    try:
        entries = tomllib.loads(text).get("ignore", [])
    except tomllib.TOMLDecodeError as error:
        raise _malformed(name, str(error)) from error
    if not isinstance(entries, list):
        raise _malformed(name, "`ignore` is no list of tables")
    return tuple(_ignore(entry, f"{name}, entry {number}", ids) for number, entry in enumerate(entries, start=1))


def _ignore(entry: object, where: str, ids: Sequence[str]) -> Ignore:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise _malformed(where, "not a table of texts")
    if unknown := sorted(set(entry) - _FIELDS):
        raise _malformed(where, f"unknown {', '.join(unknown)}; there are {', '.join(sorted(_FIELDS))}")
    if entry.get("id") not in ids:
        raise _malformed(where, f"`id` is none of {', '.join(ids)}")
    if not entry.get("reason", "").strip():
        raise _malformed(where, "`reason` is missing: whoever reads this later wants to know why")
    return Ignore(entry["id"], entry["reason"], entry.get("file", ""), entry.get("message", ""))


def _malformed(where: str, why: str) -> KpatchError:
    return KpatchError(
        "malformed-ignore-file", f"{where}: {why}", hint='[[ignore]]\\nid = "..."\\nfile = "drivers/*"\\nreason = "..."'
    )


def ignoring(review: Review, ignores: Sequence[Ignore]) -> Review:
    """The review with what fits marked."""
    if not ignores:
        return review
    patches = tuple(
        replace(patch, findings=tuple(_marked(placed, ignores) for placed in patch.findings))
        for patch in review.patches
    )
    return replace(review, patches=patches)


def _marked(placed: Placed, ignores: Sequence[Ignore]) -> Placed:
    fitting = next((one for one in ignores if one.fits(placed.finding)), None)
    return placed if fitting is None else replace(placed, ignored=fitting.reason)
