"""section-mismatch: code that stays calls nothing that is freed after boot.

Why: `native_pagetable_reserve` called the `__init` function memblock_x86_reserve_range without being `__init` itself
until 53f8023febf ("x86/mm: Fix section mismatch derived from native_pagetable_reserve()", in v2.6.39). The rules are
those of scripts/mod/modpost.c (`sectioncheck`); annotations may stand on the definition or on any prototype.
"""

import re
from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import Edit, edits, without_comments
from kpatch_tools.checks.section_index import Section, SectionIndex, defined_plainly, index_sections, scope_of
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import ParsedFile, find_function, function_name, functions, parse_c
from kpatch_tools.syntax.symbols import called_functions, spans_of_lines

ID = "section-mismatch"
Mismatch = tuple[str, str]
"""(caller, callee)."""


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each call, in a function the patch touches or to one whose section it changes, that is new."""
    changed = edits(change)
    if not any(edit.path.endswith(".c") for edit in changed):
        yield Finding(ID, Status.SKIP, "the patch touches no C file")
        return
    groups: dict[tuple[str, ...], list[Edit]] = {}
    for edit in changed:
        groups.setdefault(scope_of(edit.path), []).append(edit)
    found = [one for scope, group in groups.items() for one in _run_in(change, scope, tuple(group))]
    yield from found or (Finding(ID, Status.PASS, "no call from code that stays into code that is freed"),)


def _run_in(change: Change, scope: tuple[str, ...], changed: tuple[Edit, ...]) -> Iterator[Finding]:
    """The new mismatches of the files that see the same functions."""
    before = index_sections(change.before, scope).with_files({edit.path: edit.before or b"" for edit in changed})
    after = before.with_files({edit.path: edit.after or b"" for edit in changed})
    for edit in changed:
        if not edit.path.endswith(".c"):
            continue
        old = _mismatches(edit.path, edit.before or b"", before, lines=None)
        for (caller, callee), line in _mismatches(edit.path, edit.after or b"", after, lines=edit.added).items():
            if (caller, callee) not in old and not defined_plainly(change.after, scope, callee):
                yield _fail(edit.path, line, caller, callee, after)
    yield from _callers_of_moved(change.after, scope, changed, before, after)


def _fail(path: RepoPath, line: int, caller: str, callee: str, index: SectionIndex) -> Finding:
    own, other = index.section_of(path, caller), index.section_of(path, callee)
    return Finding(
        ID,
        Status.FAIL,
        f"{caller} ({own.spelling}) calls {callee} ({other.spelling})",
        path,
        line,
        hint=f"annotate {caller}, or use __ref where the call is known to be safe",
    )


def _mismatches(
    path: RepoPath, data: bytes, index: SectionIndex, *, lines: tuple[int, ...] | None
) -> dict[Mismatch, int]:
    """Calls against the rules, with their lines; only in functions that overlap `lines`, where given."""
    parsed = parse_c(data)
    wanted = None if lines is None else spans_of_lines(data, lines)
    found: dict[Mismatch, int] = {}
    for definition in functions(parsed):
        caller = function_name(definition)
        span = Span(definition.start_byte, definition.end_byte)
        if caller is None or (wanted is not None and not any(span.overlaps(line) for line in wanted)):
            continue
        section = index.section_of(path, caller)
        for callee, offset in called_functions(definition).items():
            # A definition that the grammar let run on past a closing brace in the first column is not one function.
            if b"\n}" in data[span.start : offset]:
                continue
            if not section.may_call(index.section_of(path, callee)):
                found[caller, callee] = data.count(b"\n", 0, offset) + 1
    return {pair: line for pair, line in found.items() if not _only_called_early(parsed, path, pair[0], index)}


def _only_called_early(parsed: ParsedFile, path: RepoPath, caller: str, index: SectionIndex) -> bool:
    """A static function that only `__init` functions call is inlined or as short-lived as they are."""
    definition = find_function(parsed, caller)
    if definition is None or not parsed.text(definition).startswith(b"static"):
        return False
    callers = {
        name
        for node in functions(parsed)
        if (name := function_name(node)) is not None and name != caller and caller in called_functions(node)
    }
    code, word = without_comments(parsed.source), rb"\b" + caller.encode() + rb"\b"
    only_called = len(re.findall(word, code)) == len(re.findall(word + rb"[ \t]*\(", code))
    early = (Section.INIT, Section.REF)
    return bool(callers) and only_called and all(index.section_of(path, name) in early for name in callers)


def _callers_of_moved(
    source: BlobSource, scope: tuple[str, ...], changed: tuple[Edit, ...], before: SectionIndex, after: SectionIndex
) -> Iterator[Finding]:
    """Functions the patch made `__init`, called from code that stays, anywhere in scope."""
    moved = {
        name: path
        for edit in changed
        for path in (edit.path,)
        for name in after.names_in(path)
        if after.section_of(path, name) is Section.INIT
        and before.section_of(path, name) is Section.TEXT
        and name.encode() in (edit.before or b"")
    }
    if not moved:
        return
    for path in source.paths(*scope):
        data = source.read(path) if path.endswith(".c") else None
        if data is None or not any(name.encode() in data for name in moved):
            continue
        for (caller, callee), line in _mismatches(path, data, after, lines=None).items():
            if callee in moved and (path == moved[callee] or not after.is_static(moved[callee], callee)):
                yield _fail(path, line, caller, callee, after)


CHECK = Check(ID, "section annotations agree along calls", run)
