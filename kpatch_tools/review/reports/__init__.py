"""One list of findings, many renderers: each a function of reviews, none of which knows another."""

from collections.abc import Callable, Mapping, Sequence

from kpatch_tools.review.rules import Rules
from kpatch_tools.review.values import Review

from .b4 import format_b4
from .document import format_json
from .junit import format_junit
from .markdown import format_markdown
from .patchwork import format_patchwork
from .rdformat import format_rdformat
from .sarif import format_sarif
from .terse import format_terse

Renderer = Callable[[Sequence[Review], Rules], str]

FORMATS: Mapping[str, Renderer] = {
    "json": format_json,
    "sarif": format_sarif,
    "junit": format_junit,
    "terse": format_terse,
    "rdformat": format_rdformat,
    "markdown": format_markdown,
    "patchwork": format_patchwork,
    "b4": format_b4,
}
"""By the name that the command line takes. A reply mail needs addresses, and is made by `reply.format_replies`."""

__all__ = ["FORMATS", "Renderer"]
