"""Letters to series: which belong together, in which version, and what replies add.

A series is told by its version and the number of its patches, and then by who answers whom: two sendings
of the same kind in one mailbox stay two. What is no patch is passed over with a word.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.patch import Patch, parse_patch

from .envelope import Envelope, Tag, one_line, read_envelope
from .values import Sent, Skipped, Submission, Unreadable

LARGEST_LETTER = 8 * 1024 * 1024
"""Bytes; the largest patches on kernel lists have about two million."""

_TRAILER = re.compile(
    rb"^((?:Acked|Reviewed|Tested|Reported|Signed-off|Co-developed|Suggested)-(?:and-[A-Za-z]+-)?by|Fixes|Cc)"
    rb": [^\n]{3,200}$",
    re.MULTILINE | re.IGNORECASE,
)
_PULL = re.compile(rb"^The following changes since commit [0-9a-f]{7,40}", re.MULTILINE)
_DIFF = re.compile(rb"^(?:diff --git |--- [^\n]+\n\+\+\+ |Index: [^\n]+\n=|@@ -\d+)", re.MULTILINE)
_BASE = re.compile(rb"^base-commit: ([0-9a-f]{7,64})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Received:
    """One letter or file as it came. `name` is for people: a file's name, or a mailbox and a number."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Letter:
    name: str
    data: bytes
    envelope: Envelope
    patch: Patch | None
    fault: KpatchError | None

    @property
    def tag(self) -> Tag:
        return self.envelope.tag

    @property
    def key(self) -> tuple[int, int]:
        return self.tag.version, self.tag.total


@dataclass(slots=True)
class _Group:
    letters: dict[int, _Letter] = field(default_factory=dict)


def find_submissions(received: Iterable[Received]) -> tuple[tuple[Submission, ...], tuple[Skipped, ...]]:
    """The series among letters, in the order in which their first letters came, and what was passed over."""
    letters: list[_Letter] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for one in received:
        letter, reason = _read(one)
        if not reason and letter.envelope.message_id in seen:
            reason = "the same letter again"
        if reason:
            skipped.append(Skipped(one.name, letter.envelope.subject, reason))
            continue
        if letter.envelope.message_id:
            seen.add(letter.envelope.message_id)
        letters.append(letter)
    originals = [letter for letter in letters if _is_original(letter, seen)]
    replies = [letter for letter in letters if not _is_original(letter, seen)]
    groups = _grouped(originals)
    submissions: list[Submission] = []
    for group in groups:
        if any(letter.patch is not None or letter.fault is not None for letter in group.letters.values()):
            submissions.append(_submission(group, replies))
        else:
            skipped += [Skipped(one.name, one.envelope.subject, _nothing(one)) for one in group.letters.values()]
    skipped += [Skipped(one.name, one.envelope.subject, _word_for(one)) for one in replies]
    return tuple(submissions), tuple(skipped)


def _nothing(letter: _Letter) -> str:
    return "a cover letter whose patches are not here" if letter.tag.number == 0 else "no diff in it"


def _word_for(reply: _Letter) -> str:
    return "a diff in a reply" if reply.patch is not None else "a reply"


def _read(one: Received) -> tuple[_Letter, str]:
    """The letter, and why it is passed over ("" if it is not)."""
    envelope = read_envelope(one.data)
    empty = _Letter(one.name, b"", envelope, None, None)
    if len(one.data) > LARGEST_LETTER:
        return empty, f"larger than {LARGEST_LETTER >> 20} MiB"
    if envelope.tag.is_pull or _PULL.search(one.data):
        return empty, "a pull request"
    try:
        patch, fault = parse_patch(one.data, repair_crlf=True), None
    except KpatchError as error:
        patch, fault = None, error
    if fault is not None and (fault.code == "empty-patch" or not (envelope.tag.is_patch or _DIFF.search(one.data))):
        fault = None
    return _Letter(one.name, one.data, envelope, patch, fault), ""


def _is_original(letter: _Letter, seen: set[str]) -> bool:
    """Whether it was sent as (part of) a series: a reply with a diff counts if what it answers is not here."""
    if not letter.tag.is_reply:
        return True
    return letter.patch is not None and letter.envelope.parent not in seen


def _grouped(letters: Sequence[_Letter]) -> list[_Group]:
    """One group for each series."""
    by_key: dict[tuple[int, int], list[_Letter]] = defaultdict(list)
    groups: list[tuple[int, _Group]] = []
    for place, letter in enumerate(letters):
        if letter.tag.total == 1 and letter.tag.number == 1:
            groups.append((place, _Group({1: letter})))
        else:
            by_key[letter.key].append(letter)
    places = {id(letter): place for place, letter in enumerate(letters)}
    for alike in by_key.values():
        groups += [(min(places[id(letter)] for letter in group.letters.values()), group) for group in _series_of(alike)]
    return [group for _, group in sorted(groups, key=lambda item: item[0])]


def _series_of(alike: Sequence[_Letter]) -> list[_Group]:
    """Splits letters of one version and length by thread, and where a number comes a second time."""
    groups: list[_Group] = []
    for thread in _threads(alike):
        current = _Group()
        for letter in thread:
            if letter.tag.number in current.letters:
                groups.append(current)
                current = _Group()
            current.letters[letter.tag.number] = letter
        groups.append(current)
    return groups


def _threads(alike: Sequence[_Letter]) -> Iterator[list[_Letter]]:
    """Letters that answer one another or the same one; those that answer nothing count as one thread of their sender.

    Within a thread the senders may differ: what git formats names each patch's author.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    own = {letter.envelope.message_id for letter in alike if letter.envelope.message_id}
    answered = {letter.envelope.parent for letter in alike if letter.envelope.parent}
    names: list[str] = []
    for letter in alike:
        envelope = letter.envelope
        is_lone = not envelope.parent and envelope.message_id not in answered
        name = f"<{envelope.message_id}>"
        if is_lone:
            name = f"no thread, {envelope.sender if envelope.message_id else 'never sent'}"
        names.append(name)
        if envelope.parent:
            # Another series' letter that this one answers ties no letters together but those of one sending.
            leader[find(name)] = find(f"<{envelope.parent}>")
        for earlier in envelope.references:
            if earlier in own:
                leader[find(name)] = find(f"<{earlier}>")
    threads: dict[str, list[_Letter]] = defaultdict(list)
    for letter, name in zip(alike, names, strict=True):
        threads[find(name)].append(letter)
    yield from threads.values()


def _submission(group: _Group, replies: Sequence[_Letter]) -> Submission:
    letters = dict(sorted(group.letters.items()))
    head = letters.get(0) or next(iter(letters.values()))
    patches: list[Sent] = []
    unreadable: list[Unreadable] = []
    for number, letter in letters.items():
        if letter.patch is not None:
            patches.append(Sent(number, letter.patch, letter.envelope, letter.name))
        elif letter.fault is not None:
            fault = letter.fault
            unreadable.append(Unreadable(number, letter.envelope.subject, fault.code, fault.message, letter.name))
    total = head.tag.total
    named = [match.group(1).decode() for one in letters.values() if (match := _BASE.search(one.data))]
    cover = letters.get(0)
    return Submission(
        head.envelope.subject or (patches[0].patch.subject if patches else head.name),
        tuple(patches),
        head.tag.version,
        head.envelope,
        named[0] if named else "",
        "" if cover is None or cover.patch is not None else _body(cover.data),
        tuple(_given(letters, replies)),
        tuple(unreadable),
        tuple(number for number in range(1, total + 1) if number not in letters),
        tuple(letter.name for letter in letters.values()),
    )


def _body(data: bytes) -> str:
    return re.split(rb"\r?\n\r?\n", data, maxsplit=1)[-1].decode("utf-8", "replace")


def _given(letters: dict[int, _Letter], replies: Sequence[_Letter]) -> Iterator[tuple[int, str]]:
    """Trailers in replies to these letters, or to such replies."""
    numbers = {letter.envelope.message_id: number for number, letter in letters.items()}
    for reply in replies:
        ids = (reply.envelope.parent, *reversed(reply.envelope.references))
        number = next((numbers[one] for one in ids if one in numbers), None)
        if number is None:
            continue
        for match in _TRAILER.finditer(_body(reply.data).encode()):
            yield number, one_line(match.group().decode("utf-8", "replace"))
