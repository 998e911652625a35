"""Macros without parameters: names that stand for a function, another one in each configuration."""

from collections.abc import Iterator

from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax import parse_c

from .expansion import definitions
from .search import mentions_word, search_source


def object_macros(source: BlobSource, name: str, *, scope: tuple[str, ...]) -> Iterator[str]:
    """The body of every `#define name body` in the C files of `scope`, in tree order; none where it is no macro."""
    for path, data in search_source(source, name, scope).hits:
        if not mentions_word(data, name):
            continue
        for macro in definitions(parse_c(data), path):
            if macro.name == name and macro.parameters is None:
                yield macro.body.decode("utf-8", "surrogateescape")
