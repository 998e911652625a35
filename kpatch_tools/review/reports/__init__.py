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


def _utf8(render: Renderer) -> Renderer:
    """Bytes that are no text stand for themselves inside kpt; no reader could take them."""

    def clean(reviews: Sequence[Review], rules: Rules) -> str:
        return render(reviews, rules).encode("utf-8", "replace").decode()

    return clean


FORMATS: Mapping[str, Renderer] = {
    "json": _utf8(format_json),
    "sarif": _utf8(format_sarif),
    "junit": _utf8(format_junit),
    "terse": _utf8(format_terse),
    "rdformat": _utf8(format_rdformat),
    "markdown": _utf8(format_markdown),
    "patchwork": _utf8(format_patchwork),
    "b4": _utf8(format_b4),
}
"""By the name that the command line takes. A reply mail needs addresses, and is made by `reply.format_replies`."""

__all__ = ["FORMATS", "Renderer"]
