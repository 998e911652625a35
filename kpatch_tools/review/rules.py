"""What a check is to those who read its findings."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`title` in one line; `why`, `example` and `source` in prose, "" where there is none to tell."""

    id: str
    title: str
    why: str = ""
    example: str = ""
    source: str = ""


Rules = Mapping[str, Rule]
"""By id."""


def parse_rule(name: str, title: str, documentation: str) -> Rule:
    """A rule from a check's module documentation, whose paragraphs begin with `Why:`, `Example:` and `Source:`.

    >>> parse_rule("x", "no x", "x: no x.\\n\\nWhy: x is\\nbad. Example: x\\nSource: y").why
    'x is bad.'
    """
    parts = {"Why:": "", "Example:": "", "Source:": ""}
    current = ""
    for word in documentation.split():
        if word in parts:
            current = word
        elif current:
            parts[current] = f"{parts[current]} {word}".strip()
    return Rule(name, title, parts["Why:"], parts["Example:"], parts["Source:"])
