"""What the functions of a file refer to, judged by the sections of both."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kpatch_tools.checks.lines import parse, without_comments
from kpatch_tools.checks.prototypes import find_prototypes
from kpatch_tools.checks.section_index import SectionIndex
from kpatch_tools.checks.section_rules import Section
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import (
    Node,
    ParsedFile,
    ancestors,
    declarations,
    declared_name,
    descend,
    errors_in,
    function_name,
    functions,
    name_of,
    parse_c,
)
from kpatch_tools.syntax.includes import Includes
from kpatch_tools.syntax.symbols import declares, spans_of_lines

_EARLY = frozenset({Section.INIT, Section.REF})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`user` refers to `used` in `line` against the rules; `certain` where that is so in every configuration.

    `via` is the macro that stands between the two, if one does.
    """

    user: str
    used: str
    line: int
    called: bool
    certain: bool
    via: str = ""


@dataclass(frozen=True, slots=True)
class _Reference:
    name: str
    offset: int
    called: bool
    via: str = ""


def mismatches(
    path: RepoPath, data: bytes, index: SectionIndex, *, lines: tuple[int, ...] | None = None
) -> Mapping[tuple[str, str], Mismatch]:
    """References against the rules, by (user, used); only in functions that overlap `lines`, where given."""
    parsed = parse(data)
    wanted = None if lines is None else spans_of_lines(data, lines)
    if wanted is not None and not wanted:
        return {}
    found: dict[tuple[str, str], Mismatch] = {}
    views = (parsed, parse_c(data, last_branch=True)) if parsed.hidden else (parsed,)
    for view in views:
        private = _defined_here(view, path, index)
        for definition in functions(view):
            user = function_name(definition)
            span = Span(definition.start_byte, definition.end_byte)
            if user is None or (wanted is not None and not any(span.overlaps(line) for line in wanted)):
                continue
            for mismatch in _judged(view, path, user, definition, index, private):
                found.setdefault((mismatch.user, mismatch.used), mismatch)
        for mismatch in _judged_data(view, path, index, private, wanted):
            found.setdefault((mismatch.user, mismatch.used), mismatch)
    return {pair: one for pair, one in found.items() if not _only_called_early(parsed, path, pair[0], index)}


def _judged(
    parsed: ParsedFile, path: RepoPath, user: str, definition: Node, index: SectionIndex, private: frozenset[str]
) -> Iterator[Mismatch]:
    own, word = index.sections(path, user), index.words(path, user)
    for reference in _references(parsed, definition):
        if reference.name in private or reference.name == user:
            continue
        # A definition that the grammar let run on past a closing brace in the first column is not one function.
        if b"\n}" in parsed.source[definition.start_byte : reference.offset]:
            continue
        other = index.sections(path, reference.name)
        if word == index.words(path, reference.name):
            continue
        wrong = [not mine.may_refer_to(its) for mine in own for its in other]
        if any(wrong):
            line = parsed.source.count(b"\n", 0, reference.offset) + 1
            yield Mismatch(user, reference.name, line, reference.called, all(wrong), reference.via)


# modpost trusts these names: such tables hold functions for devices that come and go.
_TRUSTED = re.compile(r"_(?:template|timer|sht|ops|probe|probe_one|console)$")
_TRUSTED_DRIVER = re.compile(r"driver$")


def _judged_data(
    parsed: ParsedFile, path: RepoPath, index: SectionIndex, private: frozenset[str], wanted: tuple[Span, ...] | None
) -> Iterator[Mismatch]:
    """What tables and other variables of the file are initialised with; constants are not judged, as by modpost."""
    for declaration in declarations(parsed):
        span = Span(declaration.start_byte, declaration.end_byte)
        if wanted is not None and not any(span.overlaps(line) for line in wanted):
            continue
        if re.match(rb"[^={]*\bconst\b", parsed.text(declaration)):
            continue
        for declarator in declaration.children_by_field_name("declarator"):
            name, value = declared_name(declarator), declarator.child_by_field_name("value")
            if name is None or value is None:
                continue
            for mismatch in _judged_initialiser(parsed, path, name_of(name), value, index):
                if mismatch.used not in private:
                    yield mismatch


def _judged_initialiser(
    parsed: ParsedFile, path: RepoPath, variable: str, value: Node, index: SectionIndex
) -> Iterator[Mismatch]:
    own = index.sections(path, variable)
    for node in _evaluated(value):
        # What is handed to a macro (`__devexit_p(f)`) may or may not be put into the table.
        if node.type != "identifier" or any(above.type == "call_expression" for above in ancestors(node)):
            continue
        used = name_of(node)
        other = index.sections(path, used)
        wrong = [
            not mine.may_refer_to(its) and not (mine is Section.PLAIN and _is_trusted(variable, its))
            for mine in own
            for its in other
        ]
        if any(wrong):
            line = parsed.source.count(b"\n", 0, node.start_byte) + 1
            yield Mismatch(variable, used, line, called=False, certain=all(wrong))


def _is_trusted(variable: str, used: Section) -> bool:
    if _TRUSTED.search(variable) is not None:
        return True
    return used is not Section.INIT and _TRUSTED_DRIVER.search(variable) is not None


def _references(parsed: ParsedFile, definition: Node) -> Iterator[_Reference]:
    """Names used in the body that mean something outside of the function, macros of the same file seen through."""
    body = definition.child_by_field_name("body")
    if body is None:
        return
    local = _local_names(definition)
    macros = _macros(parsed)
    for node in _evaluated(body):
        if node.type != "identifier" or (name := name_of(node)) in local:
            continue
        parent = node.parent
        called = (
            parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == node
        )
        if called and name in macros:
            for inner, is_call in macros[name].items():
                yield _Reference(inner, node.start_byte, is_call, name)
        else:
            yield _Reference(name, node.start_byte, called)


def _evaluated(node: Node) -> Iterator[Node]:
    """`node` and what is below it, except operands that only lend their type or size."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type in ("sizeof_expression", "alignof_expression", "offsetof_expression", "type_descriptor"):
            continue
        if current.type == "call_expression" and _gives_a_size(current):
            continue
        yield current
        stack.extend(reversed(current.named_children))


def _gives_a_size(call: Node) -> bool:
    function = call.child_by_field_name("function")
    return function is not None and name_of(function) in ("typeof", "__typeof__", "ARRAY_SIZE", "BUILD_BUG_ON")


def _local_names(definition: Node) -> frozenset[str]:
    """Parameters, variables and labels of the function; prototypes inside it declare nothing of its own."""
    names: set[str] = set()
    for node in descend(definition):
        if node.type not in ("declaration", "parameter_declaration"):
            continue
        if any(child.type == "storage_class_specifier" and child.text == b"extern" for child in node.children):
            continue
        for declarator in node.children_by_field_name("declarator"):
            if (name := declared_name(declarator)) is not None:
                names.add(name_of(name))
    return frozenset(names)


_MACRO = re.compile(rb"^[ \t]*\#[ \t]*define[ \t]+(\w+)\(([^()]*)\)((?:[^\n\\]|\\.)*)", re.MULTILINE | re.DOTALL)
_CALL = re.compile(rb"([A-Za-z_]\w*)[ \t]*\(")


def _macros(parsed: ParsedFile) -> Mapping[str, Mapping[str, bool]]:
    """The file's own function-like macros: the functions that each calls."""
    return {
        name.decode("ascii"): {call.decode("ascii"): True for call in _CALL.findall(body)}
        for name, _, body in _MACRO.findall(parsed.source)
    }


def _defined_here(parsed: ParsedFile, path: RepoPath, index: SectionIndex) -> frozenset[str]:
    """Static functions of the file that carry no annotation: another file's function of that name is another one."""
    names: set[str] = set()
    for definition in functions(parsed):
        name = function_name(definition)
        if name is None or index.is_static(path, name):
            continue
        body = definition.child_by_field_name("body")
        head = parsed.source[definition.start_byte : definition.end_byte if body is None else body.start_byte]
        if re.search(rb"\bstatic\b", head):
            names.add(name)
    return frozenset(names)


def _only_called_early(parsed: ParsedFile, path: RepoPath, user: str, index: SectionIndex) -> bool:
    """A static function that only `__init` functions call is inlined or as short-lived as they are."""
    nodes = {name: node for node in functions(parsed) if (name := function_name(node)) is not None}
    definition = nodes.get(user)
    if definition is None or not parsed.text(definition).startswith(b"static"):
        return False
    callers = {
        name
        for name, node in nodes.items()
        if name != user and any(one.called and one.name == user for one in _references(parsed, node))
    }
    code, word = without_comments(parsed.source), rb"\b" + user.encode() + rb"\b"
    only_called = len(re.findall(word, code)) == len(re.findall(word + rb"[ \t]*\(", code))
    return bool(callers) and only_called and all(index.sections(path, name) <= _EARLY for name in callers)


def is_what_it_seems(includes: Includes, path: RepoPath, mismatch: Mismatch) -> bool:
    """Whether the name that is used can be the annotated one.

    A macro of a header that has the name hides it; a reference that is no call has to be declared in sight, because
    short names of variables are everywhere.
    """
    name = mismatch.used
    hiding = re.compile(rb"^[ \t]*\#[ \t]*define[ \t]+" + re.escape(name.encode()) + rb"\b", re.MULTILINE)
    files = [data for file in (path, *includes.closure(path).headers) if (data := includes.source.read(file))]
    if any(name.encode() in data and hiding.search(data) for data in files):
        return False
    if mismatch.called or find_prototypes(includes, path, name):
        return True
    return any(name.encode() in data and declares(parse(data), name) for data in files)


def unreadable_lines(data: bytes, lines: tuple[int, ...]) -> tuple[int, ...]:
    """Those of the 1-based `lines` that the grammar could make nothing of, code that is never compiled left out."""
    parsed = parse(data)
    if not parsed.errors:
        return ()
    directives = [directive.span for directive in parsed.directives]
    broken = [
        span
        for span in errors_in(parsed.root)
        if not any(directive.start <= span.start < directive.end for directive in directives)
    ]
    spans = zip(sorted(set(lines)), spans_of_lines(data, sorted(set(lines))), strict=False)
    return tuple(line for line, span in spans if any(span.overlaps(error) for error in broken))
