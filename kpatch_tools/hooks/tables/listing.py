"""Which hook tables a source has: global structs of function pointers, declared in a header beside their type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import ParsedFile, line_of, name_of, parse_c

from .declarations import extern_structs
from .members import MemberKind, find_records, read_shape
from .search import search_source

_EXTERN = re.compile(rb"\bextern\s[^;{}()]*?\bstruct\s+(\w+)")
_CALLBACK = re.compile(rb"\(\s*(?:\w+\s+)*\*+\s*\w+\s*(?:\[[^\]]*\]\s*)*\)\s*\(")


@dataclass(frozen=True, slots=True)
class TableName:
    """A table that `find_hook_tables` can read. `slots` is how many function pointers its struct has in this header."""

    name: str
    type: str
    location: Location
    slots: int


def list_hook_tables(source: BlobSource, *, scope: tuple[str, ...] = ("arch/x86",)) -> tuple[TableName, ...]:
    """The tables that headers below `scope` declare `extern`, in tree order.

    Only those whose struct is defined in the header that declares the variable: that is how a hook table is written,
    and it keeps single drivers' own structs out.
    """
    found = search_source(source, "extern", scope)
    return tuple(
        table
        for path, data in found.hits
        if path.endswith(".h") and _CALLBACK.search(data) and _EXTERN.search(data)
        for table in _tables_of(parse_c(data), path)
    )


def _tables_of(parsed: ParsedFile, path: RepoPath) -> Iterator[TableName]:
    for name, tag in extern_structs(parsed):
        records = find_records((tag,), [(path, parsed.source)])
        if tag not in records:
            continue
        nested = read_shape(records[tag], tag, records).unresolved
        shape = read_shape(records[tag], tag, records | find_records(nested, [(path, parsed.source)]))
        slots = sum(member.kind is MemberKind.SLOT for member in shape.members.values())
        if slots:
            yield TableName(name_of(name), f"struct {tag}", Location(path, line_of(name)), slots)
