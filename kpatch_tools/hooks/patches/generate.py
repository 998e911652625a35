"""Writes the page-table hook for one target, from its description and the target's facts."""

from dataclasses import dataclass

from kpatch_tools.core.source import BlobSource
from kpatch_tools.render import render

from . import layout, placement
from .edits import Edit
from .features import Features, read_features
from .lacks import Lack, Need
from .presence import PresenceState, read_presence
from .reading import Files
from .spec import HookSpec
from .written import Refused, Step, Upstream, Written, changed, placed_parts


@dataclass(frozen=True, slots=True)
class Generated(Written):
    """The hook for one target, and the facts that decide its text."""

    features: Features


@dataclass(frozen=True, slots=True)
class Refusal(Refused):
    """Why the hook cannot be written for a target, and what is known of the target."""

    features: Features


def generate_hook(
    source: BlobSource,
    spec: HookSpec,
    *,
    split: bool = False,
    upstream: Upstream | None = None,
    followup: Upstream | None = None,
) -> Generated | Refusal:
    """The hook `spec` written for `source`, which must not have it.

    `split`: in two steps, as history took them: the hook without a section annotation on its default function, and
    the annotation. `upstream` and `followup` are named in the messages of the two where given.
    """
    return write_hook(Files(source), spec, split=split, upstream=upstream, followup=followup)


def write_hook(
    files: Files,
    spec: HookSpec,
    *,
    split: bool = False,
    upstream: Upstream | None = None,
    followup: Upstream | None = None,
) -> Generated | Refusal:
    """The same over files that were read already."""
    source = files.source
    features = read_features(files, spec)
    edits, lacks = _place(files, spec, features, init=not split)
    if (there := _there(files, spec)) is not None:
        return Refusal((there, *features.lacks), features)
    if features.lacks or lacks:
        known = {lack.need for lack in features.lacks}
        further = (lack for lack in lacks if lack.need not in known)
        return Refusal((*features.lacks, *dict.fromkeys(further)), features)
    first = Step(changed(source, edits), message(spec, features, "message", upstream))
    parts = placed_parts(edits)
    if not split:
        return Generated(first.changes, (first,), parts, features)
    final, _ = _place(files, spec, features, init=True)
    changes = changed(source, final)
    second = {path: data for path, data in changes.items() if first.changes[path] != data}
    steps = (first, Step(second, message(spec, features, "section", followup)))
    return Generated(changes, steps, parts, features)


def _there(files: Files, spec: HookSpec) -> Lack | None:
    presence = read_presence(files, spec)
    if presence.state is PresenceState.ABSENT:
        return None
    where = next(part.where for part in presence.parts if part.where is not None)
    if presence.state is PresenceState.PRESENT:
        return Lack(Need.ABSENCE, f"the tree has {spec.path} already", where)
    missing = ", ".join(part.name for part in presence.missing)
    return Lack(Need.ABSENCE, f"the tree has some of {spec.path} already, but not or not rightly: {missing}", where)


def _place(files: Files, spec: HookSpec, features: Features, *, init: bool) -> tuple[list[Edit], list[Lack]]:
    placed = [
        placement.place_declaration(files, spec),
        placement.place_initialiser(files, spec),
        placement.place_prototype(files, spec),
        placement.place_assignment(files, spec),
    ]
    # Without these facts there is no text to place, and features says so already.
    if not {lack.need for lack in features.lacks} & {Need.SITE, Need.RESERVE, Need.BUFFER}:
        placed += [
            placement.place_default(files, spec, features, init=init),
            placement.place_call(files, spec, features),
            placement.place_override(files, spec, features),
        ]
    edits = [edit for one in placed if not isinstance(one, Lack) for edit in one]
    return edits, [one for one in placed if isinstance(one, Lack)]


def message(spec: HookSpec, features: Features, template: str, upstream: Upstream | None) -> bytes:
    text = render(
        f"hooks/{spec.name}/{template}.txt.j2",
        spec=spec,
        buffer=features.buffer,
        reserve=features.reserve,
        upstream=upstream,
    )
    return layout.prose(text).encode()
