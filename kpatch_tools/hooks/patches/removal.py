"""Takes a hook out of a tree, in memory: what a run without it needs."""

from collections.abc import Iterator, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ParsedFile, descend, name_of

from . import layout
from .anatomy import Anatomy, Found, dissect
from .edits import Edit, apply_edits, indent_of, line_end, line_start, start_with_comment
from .parts import HookPart
from .reading import Files
from .shapes import arguments, callee, parameter_names
from .site import enclosing_statement, find_site, single_call
from .spec import HookSpec


def remove_hook(source: BlobSource, spec: HookSpec) -> Mapping[RepoPath, bytes] | None:
    """The complete new contents of the files that change; None if there is nothing to take out, or no way to.

    The call through the slot becomes what the default function does, so that the code acts as it would without any
    override. There is no way where the slot is called but its default is not there, or is not one plain call.
    """
    files = Files(source)
    found = dissect(files, spec)
    edits = list(_declarations(files, spec, found))
    if found.call is not None:
        inlined = _inlined(files, spec, found.call, found.default)
        if inlined is None:
            return None
        edits.extend(inlined)
    for part, one in ((HookPart.DEFAULT, found.default), (HookPart.OVERRIDE, found.override)):
        if one is not None:
            edits.append(_block(files, part, one.path, one.node))
    edits.extend(
        _lines(files, HookPart.ASSIGNMENT, one.path, enclosing_statement(one.node)) for one in found.assignments
    )
    if not edits:
        return None
    paths = dict.fromkeys(edit.file for edit in edits)
    return {
        path: apply_edits(files.known(path).source, [edit for edit in edits if edit.file == path]) for path in paths
    }


def _declarations(files: Files, spec: HookSpec, found: Anatomy) -> Iterator[Edit]:
    """A sub-table that has no other slot goes as a whole, with its member and its entry in the initialiser."""
    slots = _fields(found.sub_table.node) if found.sub_table is not None else ()
    alone = found.slot is not None and len(slots) == 1
    if found.slot is not None and found.sub_table is not None and alone:
        yield _block(files, HookPart.DECLARATION, found.sub_table.path, _statement(found.sub_table.node))
        if found.member is not None:
            yield _lines(files, HookPart.DECLARATION, found.member.path, found.member.node)
    elif found.slot is not None:
        yield _lines(files, HookPart.DECLARATION, found.slot.path, found.slot.node)
    if found.initialiser is not None:
        entry = found.initialiser.node
        around = entry.parent
        only = around is not None and sum(one.type == "initializer_pair" for one in around.named_children) == 1
        if only and around is not None and around.parent is not None and around.parent.type == "initializer_pair":
            yield _block(files, HookPart.INITIALISER, found.initialiser.path, around.parent)
        else:
            yield _lines(files, HookPart.INITIALISER, found.initialiser.path, entry)
    if found.prototype is not None:
        yield _lines(files, HookPart.PROTOTYPE, found.prototype.path, found.prototype.node)


def _inlined(files: Files, spec: HookSpec, call: Found, default: Found | None) -> list[Edit] | None:
    """The call through the slot replaced by the call that the default makes, with the arguments put in."""
    inner = single_call(default.node) if default is not None else None
    given = arguments(call.node)
    if default is None or inner is None or (name := callee(inner)) is None:
        return None
    names = parameter_names(default.node)
    if len(names) != len(given):
        return None
    parsed = files.known(call.path)
    values = {one: _flat(parsed, argument) for one, argument in zip(names, given, strict=True)}
    written = tuple(_substituted(files.known(default.path), one, values) for one in arguments(inner))
    text = layout.call(name, written, indent_of(parsed.source, call.node.start_byte))
    span = Span(call.node.start_byte, call.node.end_byte)
    edits = [Edit(HookPart.CALL, call.path, span, text.encode("utf-8", "surrogateescape"))]
    note = _own_comment(files, spec)
    return edits if note is None else [Edit(HookPart.CALL, call.path, note, b""), *edits]


def _own_comment(files: Files, spec: HookSpec) -> Span | None:
    """The comment directly above the site's `if`, where it speaks of the buffer."""
    site = find_site(files, spec)
    if site is None:
        return None
    parsed = files.known(site.path)
    start, end = start_with_comment(parsed, site.branch), line_start(parsed.source, site.branch.start_byte)
    return Span(start, end) if site.end.encode() in parsed.source[start:end] else None


def _substituted(parsed: ParsedFile, expression: Node, values: Mapping[str, str]) -> str:
    """An expression on one line, each name in `values` replaced, with parentheses where its value needs them."""
    out: list[str] = []
    done = expression.start_byte
    for one in descend(expression):
        if one.type == "identifier" and (value := values.get(name_of(one))) is not None:
            bare = one == expression or value.isidentifier() or _is_call(value)
            out += (_decoded(parsed.source[done : one.start_byte]), value if bare else f"({value})")
            done = one.end_byte
    return " ".join("".join((*out, _decoded(parsed.source[done : expression.end_byte]))).split())


def _is_call(value: str) -> bool:
    name, _, rest = value.partition("(")
    return name.isidentifier() and rest.endswith(")") and rest.count("(") == 0


def _flat(parsed: ParsedFile, node: Node) -> str:
    return " ".join(_decoded(parsed.text(node)).split())


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _fields(struct: Node) -> tuple[Node, ...]:
    return tuple(one for one in descend(struct) if one.type == "field_declaration")


def _statement(struct: Node) -> Node:
    parent = struct.parent
    return parent if parent is not None and parent.type == "declaration" else struct


def _lines(files: Files, part: HookPart, path: RepoPath, node: Node) -> Edit:
    """Whole lines, from the first of `node` to its last."""
    data = files.known(path).source
    return Edit(part, path, Span(line_start(data, node.start_byte), line_end(data, node.end_byte)), b"")


def _block(files: Files, part: HookPart, path: RepoPath, node: Node) -> Edit:
    """Whole lines with the comment above, and one of the two blank lines that would meet."""
    parsed = files.known(path)
    data = parsed.source
    start, end = start_with_comment(parsed, node), line_end(data, node.end_byte)
    if data[start - 1 : start] == b"\n" and data[start - 2 : start - 1] == b"\n" and data[end : end + 1] == b"\n":
        end += 1
    return Edit(part, path, Span(start, end), b"")
