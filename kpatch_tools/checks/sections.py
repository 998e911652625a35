"""section-mismatch: what stays after boot refers to nothing that is freed.

Why: what is marked __init is freed after boot, and whoever calls it later jumps into memory that is somebody else's.
Example: `native_pagetable_reserve` called the `__init` function memblock_x86_reserve_range without being so itself
until 53f8023febf ("x86/mm: Fix section mismatch derived from native_pagetable_reserve()", in v2.6.39).
Source: scripts/mod/modpost.c (`sectioncheck`), as section_rules.py has it.

Judged: calls and other references, to functions and to data, in functions and initialisers that the patch touches (a
table that stays may not hold what is freed, unless modpost trusts its name), and wherever the patch changes the section
of what is there already. Annotations may stand on the definition or on any declaration. A reference that is wrong in
some configurations only, and code that could not be read as C, are a SKIP with the reason.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check, includes_after
from kpatch_tools.checks.lines import Edit, kernel_edits
from kpatch_tools.checks.section_index import SectionIndex, defined_plainly, index_sections, scope_of
from kpatch_tools.checks.section_references import Mismatch, is_what_it_seems, mismatches, unreadable_lines
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import is_below
from kpatch_tools.syntax.symbols import identifiers

ID = "section-mismatch"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each reference that is new with the patch and wrong in every configuration."""
    changed = kernel_edits(change)
    if not any(edit.path.endswith(".c") for edit in changed):
        yield Finding(ID, Status.SKIP, "the patch touches no C file")
        return
    groups: dict[tuple[str, ...], list[Edit]] = {}
    for edit in changed:
        groups.setdefault(scope_of(edit.path), []).append(edit)
    found = [one for scope, group in groups.items() for one in _run_in(change, scope, tuple(group), changed)]
    found += [one for edit in changed for one in _not_judged(edit)]
    yield from tuple(dict.fromkeys(found)) or (
        Finding(ID, Status.PASS, "nothing that stays refers to anything that is freed"),
    )


def _run_in(
    change: Change, scope: tuple[str, ...], group: tuple[Edit, ...], changed: tuple[Edit, ...]
) -> Iterator[Finding]:
    """The new mismatches of the files in `group`, which see the same functions, and of what `changed` moves."""
    before = index_sections(change.before, scope).with_files({edit.path: edit.before or b"" for edit in changed})
    after = before.with_files({edit.path: edit.after or b"" for edit in changed})
    seen: set[tuple[RepoPath, str, str]] = set()
    for edit in group:
        if not edit.path.endswith(".c") or edit.after is None:
            continue
        new = mismatches(edit.path, edit.after, after, lines=edit.added)
        old = mismatches(edit.path, edit.before or b"", before) if new else {}
        gone = old.keys() - mismatches(edit.path, edit.after, after).keys() if old else set()
        for pair in sorted(new.keys() - old.keys()):
            seen.add((edit.path, *pair))
            if not _was_there_under_another_name(pair, gone):
                yield from _report(change, scope, after, edit.path, new[pair])
    for path, mismatch in _moved(change, scope, changed, before, after):
        if (path, mismatch.user, mismatch.used) not in seen:
            yield from _report(change, scope, after, path, mismatch)


def _was_there_under_another_name(pair: tuple[str, str], gone: set[tuple[str, str]]) -> bool:
    """Whether a mismatch that went away accounts for `pair`: renaming one side brings no new one. Each counts once."""
    same = next((old for old in sorted(gone) if old[0] == pair[0] or old[1] == pair[1]), None)
    if same is not None:
        gone.remove(same)
    return same is not None


def _moved(
    change: Change, scope: tuple[str, ...], changed: tuple[Edit, ...], before: SectionIndex, after: SectionIndex
) -> Iterator[tuple[RepoPath, Mismatch]]:
    """New mismatches, anywhere in scope, of names that were there and that the patch puts into another section."""
    moved: dict[str, RepoPath] = {}
    for edit in changed:
        path = edit.path
        for name in dict.fromkeys((*before.names_in(path), *after.names_in(path))):
            if before.sections(path, name) == after.sections(path, name) or edit.before is None:
                continue
            if name in identifiers(edit.before) and name in identifiers(edit.after or b""):
                moved.setdefault(name, path)
    if not moved:
        return
    # What is one file's own is referred to by no other.
    needles = [name.encode() for name, path in moved.items() if not after.is_static(path, name)]
    own = [path for path in sorted(set(moved.values())) if is_below(path, scope)]
    for path in change.after.paths(*scope) if needles else own:
        data = change.after.read(path) if path.endswith(".c") else None
        if data is None or not (path in own or any(needle in data for needle in needles)):
            continue
        old = mismatches(path, change.before.read(path) or b"", before)
        for pair, mismatch in mismatches(path, data, after).items():
            name = next((one for one in pair if one in moved), "")
            if pair in old or not name:
                continue
            if path == moved[name] or not after.is_static(moved[name], name):
                yield path, mismatch


def _report(
    change: Change, scope: tuple[str, ...], index: SectionIndex, path: RepoPath, found: Mismatch
) -> Iterator[Finding]:
    includes = includes_after(change)
    if found.used not in index.names_in(path) and not is_what_it_seems(includes, path, found):
        return
    # An annotated prototype in sight holds for every definition; without one, a plain twin may be what is linked.
    declared_so = any(found.used in index.names_in(header) for header in includes.closure(path).headers)
    if not declared_so and defined_plainly(change.after, scope, index, found.used):
        return
    verb = "calls" if found.called else "refers to"
    message = (
        f"{found.user} ({index.spelling(path, found.user)}) {verb} {found.used} ({index.spelling(path, found.used)})"
    )
    if found.certain:
        hint = f"annotate {found.user} as {found.used} is, or use __ref where the use is known to be safe"
        yield Finding(ID, Status.FAIL, message, path, found.line, hint=hint)
    else:
        message += ": whether that is freed memory depends on the configuration"
        yield Finding(ID, Status.SKIP, message, path, found.line)


def _not_judged(edit: Edit) -> Iterator[Finding]:
    if not edit.path.endswith(".c") or edit.after is None:
        return
    lines = unreadable_lines(edit.after, edit.added)
    if lines:
        message = "the patch's lines here could not be read as C; what they refer to was not judged"
        yield Finding(ID, Status.SKIP, message, edit.path, lines[0])


CHECK = Check(ID, "what stays after boot refers to nothing that is freed", run)
