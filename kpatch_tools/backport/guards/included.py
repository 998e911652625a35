"""header-included: what a change declares in a header of its own is seen by the files of the change that use it.

Why: upstream, a file may see the header by way of another one; in the target it does not, and the name that the change
itself brings is undeclared there.
"""

import re
from collections.abc import Iterator, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.syntax.includes import Includes

from .identifiers import Names
from .values import Carriage, Carried, Objection
from .words import names_in

ID = "header-included"


def object_to_unseen(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk of a C file that uses such a name where the target's includes do not lead to its header.

    Upstream's have to: where they are not at hand, or do not either, nothing is known.
    """
    headers = {one.path: _added(one) for one in carriage.files if one.path.endswith(".h") and any(one.done())}
    used = {one.path: _used(one, headers) for one in carriage.files if one.path.endswith(".c")}
    if not any(used.values()) or carriage.after is None:
        return
    result = Overlay(carriage.target, {one.path: one.result for one in carriage.files})
    there, upstream = Includes(result), Includes(carriage.after)
    for one in carriage.files:
        names = used.get(one.path)
        if not names or one.diff.new_path is None:
            continue
        unnamed = {header for header in names.values() if not _names(one.result, header)}
        asked = {name for name, header in names.items() if header in unnamed}
        new = _new(asked, carriage.target, one.path) if asked else asked
        for header in sorted({names[name] for name in new}):
            brought = {name for name in new if names[name] == header}
            if header in there.closure(one.path).headers:
                continue
            if header not in upstream.closure(one.diff.new_path).headers:
                continue
            for number in one.done():
                mentioned = brought & names_in(
                    line.text for line in one.diff.hunks[number - 1].lines if line.kind == "+"
                )
                if mentioned:
                    listed = ", ".join(sorted(name.decode() for name in mentioned))
                    why = f"it uses {listed}, and its file does not include {header} in the target"
                    yield Objection(ID, one.path, number, why)


def _names(data: bytes | None, header: RepoPath) -> bool:
    """Whether a file includes a header by a name that it goes by: cheaper than to follow all others."""
    names = re.findall(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', data or b"", re.MULTILINE)
    path = "/" + header
    return any(path.endswith("/" + name.decode("utf-8", "surrogateescape")) for name in names)


def _added(carried: Carried) -> set[bytes]:
    return names_in(line.text for hunk in carried.diff.hunks for line in hunk.lines if line.kind == "+")


def _used(carried: Carried, headers: Mapping[RepoPath, set[bytes]]) -> dict[bytes, RepoPath]:
    """The names that a file's added lines share with the added lines of one header and of no other, and that header."""
    shared: dict[bytes, RepoPath] = {}
    for name in _added(carried) if headers else ():
        found = [header for header, names in headers.items() if name in names]
        if len(found) == 1:
            shared[name] = found[0]
    return shared


def _new(names: set[bytes], target: BlobSource, path: RepoPath) -> set[bytes]:
    """Those of `names` that the target does not have without the change."""
    return Names(target).unknown(names, path)
