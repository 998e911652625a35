"""When two subjects of commits are the same."""

import re

_TAGS = re.compile(r"(?:\[([^\]]{1,30})\]:?\s*)")


def same_subject(one: str, other: str) -> bool:
    """Blanks, case and a final full stop apart; and words in brackets at the head, which git am drops on the way.

    >>> same_subject("mm: fix  it.", "MM: fix it"), same_subject("mm: fix it", "mm: fix that")
    (True, False)
    >>> same_subject("[SCSI] fix it", "fix it"), same_subject("[CPUFREQ] fix it", "CPUFREQ: fix it")
    (True, True)
    """
    return not _forms(one).isdisjoint(_forms(other))


def _forms(subject: str) -> set[str]:
    """As it stands, without its tags, and with each tag as a prefix."""
    plain = " ".join(subject.split()).rstrip(".").casefold()
    rest, tags = plain, []
    while (match := _TAGS.match(rest)) is not None:
        tags.append(match.group(1))
        rest = rest[match.end() :]
    return {plain, rest, "".join(f"{tag}: " for tag in tags) + rest}
