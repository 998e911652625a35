"""identifier-declared: every name a patch uses is known in that translation unit.

Why: a patch that applies cleanly may name what the target does not have (`pgt_buf_top` before v2.6.39-rc1 was
`e820_table_top`). A name passes if the file used it before, if the file declares it, or if a header it sees, under any
configuration, mentions it or could paste it together. So a FAIL is near certain, and silence proves less: a header
may mention a name without declaring it for this configuration.
"""

import re
from collections.abc import Iterable, Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import Edit, edits
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax import parse_c
from kpatch_tools.syntax.includes import include_closure
from kpatch_tools.syntax.symbols import declared_names, identifiers

ID = "identifier-declared"
_PASTE = re.compile(rb"([A-Za-z_]\w{2,})[ \t]*\#\#|\#\#[ \t]*([A-Za-z_]\w{2,})")
_CONDITION = re.compile(rb"^[ \t]*\#[ \t]*(?:if|ifdef|ifndef|elif|include)\b(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_MADE_BY_THE_BUILD = re.compile(r"CONFIG_|KBUILD_|__NR_|TREE_|UTS_")


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each name that no file in sight knows."""
    changed = edits(change, suffixes=(".c",))
    if not changed:
        yield Finding(ID, Status.SKIP, "the patch touches no C file")
        return
    clean = True
    for edit in changed:
        for name, line in undeclared(change.after, edit):
            clean = False
            yield Finding(
                ID,
                Status.FAIL,
                f"{name} is not declared in {edit.path} nor in any header it includes",
                edit.path,
                line,
                hint="a prerequisite is missing, or the name differs in this version",
            )
    if clean:
        yield Finding(ID, Status.PASS, "every identifier the patch uses is known where it is used")


def undeclared(source: BlobSource, edit: Edit) -> tuple[tuple[str, int], ...]:
    """Names used in the edit's own lines that nothing in the translation unit knows: (name, 1-based line)."""
    if edit.after is None:
        return ()
    code = _CONDITION.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), edit.added_code)
    suspects = {name: offset for name, offset in identifiers(code).items() if not _MADE_BY_THE_BUILD.match(name)}
    for known in (identifiers(edit.before or b""), declared_names(parse_c(edit.after)) if suspects else ()):
        suspects = {name: offset for name, offset in suspects.items() if name not in known}
    if not suspects:
        return ()
    missing = unknown_names(source, edit.path, suspects)
    return tuple((name, code.count(b"\n", 0, offset) + 1) for name, offset in suspects.items() if name in missing)


def unknown_names(source: BlobSource, path: RepoPath, names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that no header `path` sees mentions outside comments, nor could paste together."""
    missing = set(names)
    pasted: set[str] = set()
    for header in include_closure(source, path).headers:
        data = source.read(header) or b""
        if any(name.encode() in data for name in missing):
            missing.difference_update(identifiers(data))
        if not missing:
            return frozenset()
        pasted.update((left or right).decode("ascii") for left, right in _PASTE.findall(data))
    return frozenset(
        name for name in missing if not any(name.startswith(part) or name.endswith(part) for part in pasted)
    )


CHECK = Check(ID, "every identifier a patch uses is declared in that translation unit", run)
