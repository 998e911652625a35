"""The same fix without the hook: the caller asks which platform it runs on, and calls the platform's function itself.

Not what a maintainer takes; it exists to be compared with the hook. It must behave the same on every machine, and the
layering check must say what is wrong with it nevertheless.
"""

import posixpath
import re

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Span
from kpatch_tools.hooks.tables.search import search_source
from kpatch_tools.syntax import Node

from . import layout, placement
from .edits import Edit, Placed, indent_of, line_end
from .features import Features, read_features
from .generate import Generated, Refusal, message
from .lacks import Lack, Need
from .parts import HookPart
from .reading import Files
from .site import find_site
from .spec import HookSpec
from .units import in_bytes
from .written import Step, changed, placed_parts

_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include[ \t]*[<\"][^>\"\n]+[>\"][^\n]*\n", re.MULTILINE)
_INCLUDE_FOLDERS = ("arch/x86/include/", "include/")


def generate_inline(source: BlobSource, spec: HookSpec) -> Generated | Refusal:
    """The alternative to the hook `spec` for `source`, which must have neither."""
    files = Files(source)
    features = read_features(files, spec)
    lacks = list(features.lacks)
    edits: list[Edit] = []
    if not {lack.need for lack in lacks} & {Need.SITE, Need.RESERVE, Need.BUFFER}:
        for placed in (
            _place_prototype(files, spec),
            placement.place_override(files, spec, features, template="inline", name=spec.instead),
            _place_include(files, spec),
            _place_question(files, spec, features),
        ):
            if isinstance(placed, Lack):
                lacks.append(placed)
            else:
                edits += placed
    if lacks:
        return Refusal(tuple(dict.fromkeys(lacks)), features)
    step = Step(changed(source, edits), message(spec, features, "inline", None))
    parts = placed_parts(edits)
    return Generated(step.changes, (step,), parts, features)


def _place_prototype(files: Files, spec: HookSpec) -> Placed:
    """Of the platform's function, which generic code calls, in a header for every platform."""
    site = find_site(files, spec)
    placed = placement.place_prototype(files, spec, function=spec.instead)
    if isinstance(placed, Lack) or site is None:
        return placed
    header = placed[0].file
    if header not in files.seen_from(site.path):
        return Lack(Need.VISIBILITY, f"{header}, with the prototype, is not included by {site.path}")
    return placed


def _place_include(files: Files, spec: HookSpec) -> Placed:
    """The header with the predicate, behind the caller's other includes; nothing where it is one of them.

    What another header includes does not count: it may do so for this platform only.
    """
    site = find_site(files, spec)
    header = _header_of(files.source, spec.asked) if spec.asked else None
    if site is None or header is None:
        return Lack(Need.VISIBILITY, f"no header declares {spec.asked or 'a predicate of the platform'}()")
    data = files.known(site.path).source
    includes = list(_INCLUDE.finditer(data))
    name = next(header[len(folder) :] for folder in _INCLUDE_FOLDERS if header.startswith(folder))
    if any(f"<{name}>".encode() in one.group() for one in includes):
        return ()
    at = includes[-1].end() if includes else 0
    return (_insert(site.path, at, f"\n#include <{name}>\n"),)


def _header_of(source: BlobSource, name: str) -> RepoPath | None:
    """The header below an include folder that defines or declares `name`, the first in tree order."""
    word = re.compile(rb"^[ \t]*(?:#[ \t]*define[ \t]+|[\w \t*]+[ \t*])" + name.encode() + rb"[ \t]*\(", re.MULTILINE)
    for path, data in search_source(source, name, ("include", "arch/x86/include")).hits:
        if posixpath.splitext(path)[1] == ".h" and word.search(data):
            return path
    return None


def _place_question(files: Files, spec: HookSpec, features: Features) -> Placed:
    """Behind the reserving call, which stays, and in the braces that the `if` around both needs now."""
    site, buffer = find_site(files, spec), features.buffer
    if site is None or buffer is None:
        return Lack(Need.SITE, f"{spec.call_function}() has no reserving call to stand behind")
    parsed = files.known(site.path)
    statement = site.call.parent
    condition = site.branch.child_by_field_name("condition")
    if statement is None or statement.type != "expression_statement" or condition is None:
        return Lack(Need.SITE, f"{spec.call_function}()'s reserving call is no statement of its own")
    macro = features.sees(site.path, "PFN_PHYS")
    given = tuple(in_bytes(one.name, one.unit, macro=macro) for one in (buffer.end, buffer.top))
    indent = indent_of(parsed.source, statement.start_byte)
    inner = indent + "\t"
    text = f"{indent}if ({spec.asked}())\n{inner}{layout.call(spec.instead, given, inner)};\n"
    after = line_end(parsed.source, statement.end_byte)
    if _has_braces(site.branch):
        return (_insert(site.path, after, text),)
    outer = indent_of(parsed.source, site.branch.start_byte)
    return (
        _insert(site.path, condition.end_byte, " {"),
        _insert(site.path, after, f"{text}{outer}}}\n"),
    )


def _insert(path: RepoPath, at: int, text: str) -> Edit:
    return Edit(HookPart.CALL, path, Span(at, at), text.encode())


def _has_braces(branch: Node) -> bool:
    consequence = branch.child_by_field_name("consequence")
    return consequence is not None and consequence.type == "compound_statement"
