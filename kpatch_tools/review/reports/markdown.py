"""Markdown for a merge request or an issue."""

from collections.abc import Sequence

from kpatch_tools.render import render
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.statements import statements, summary, told
from kpatch_tools.review.values import Review

_SPECIAL = frozenset("\\`*_{}[]<>()#+!|~@")


def format_markdown(reviews: Sequence[Review], rules: Rules) -> str:
    """A table of the patches, then what was found, each with its place. No text of a patch is taken for markup."""
    return "\n".join(map(_series, reviews))


def _series(review: Review) -> str:
    return render(
        "review/markdown.md.j2",
        review=review,
        statements=list(statements(review)),
        summary=summary(review),
        escape=escape,
        told=told,
    )


def escape(text: object) -> str:
    """Plain text for Markdown: nobody is notified, nothing linked, no table broken.

    >>> escape("a|b @torvalds <img>")
    'a\\\\|b \\\\@torvalds \\\\<img\\\\>'
    """
    line = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in line)
