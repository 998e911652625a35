"""identifier-declared: every name a patch uses is known in that translation unit.

Why: a patch that applies cleanly may name what the target does not have. Example: `pgt_buf_top` before v2.6.39-rc1,
where it was `e820_table_top`. A name passes if the file used it before, if the file declares it, or if a header it
sees, under any configuration, mentions it or could paste it together. So a FAIL is near certain, and silence proves
less: a header may mention a name without declaring it for this configuration. Headers that the patch includes have to
be there, too.
Source: the file and every header it includes, in the tree after the patch; directives other than #define are no code.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping

from kpatch_tools.checks.check import Change, Check, includes_after
from kpatch_tools.checks.lines import Edit, edits, parse
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay, is_below
from kpatch_tools.syntax import ParsedFile
from kpatch_tools.syntax.includes import INCLUDED_NAMES, Includes
from kpatch_tools.syntax.symbols import declared_names, identifiers
from kpatch_tools.tree import TreeAt

ID = "identifier-declared"
_PASTE = re.compile(rb"([A-Za-z_]\w{2,})[ \t]*\#\#|\#\#[ \t]*([A-Za-z_]\w{2,})")
_BETWEEN = re.compile(rb"\#\#[ \t]*(\w{4,})[ \t]*(?=\#\#)")
# `, ##args` drops a comma; it makes no new name.
_COMMA_PASTE = re.compile(rb",[ \t]*\#\#")
_DEFINE = re.compile(rb"^[ \t]*\#[ \t]*define\b(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_PASTING_MACRO = re.compile(
    rb"^[ \t]*\#[ \t]*define[ \t]+(\w+)\((?:[^\n\\#]|\\.)*\#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL
)
_FUNCTION_MACRO = re.compile(rb"^[ \t]*\#[ \t]*define[ \t]+(\w+)\(([^\n\\]*(?:\\.[^\n\\]*)*)", re.MULTILINE | re.DOTALL)
# What stands in these is no C: a condition may name what does not exist, a warning is prose.
_OTHER_DIRECTIVE = re.compile(rb"^[ \t]*\#[ \t]*(?!define\b)\w*(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_LOCAL = re.compile(rb"\b([A-Za-z_]\w*)[ \t*]+([A-Za-z_]\w*)[ \t]*(?=[=;,\[])")
_NO_TYPE = frozenset({b"return", b"goto", b"case", b"else", b"sizeof", b"define"})
# ISO C's headers for hosted programs, and POSIX's. The kernel's own of such names stand below linux/ and asm/.
_OF_A_LIBRARY = re.compile(
    r"(?:arpa|netinet|sys)/\w+\.h"
    r"|(?:assert|ctype|dirent|errno|fcntl|getopt|inttypes|libgen|locale|math|poll|pthread|pwd|sched|setjmp|signal|stdio"
    r"|stdlib|string|strings|syslog|termios|time|unistd|wchar)\.h"
)
_OF_THE_KERNEL = re.compile(r"include/|arch/\w+/include/")
# What the build makes, and what the compiler brings in its own stdarg.h.
_MADE_BY_THE_BUILD = re.compile(r"CONFIG_|KBUILD_|__NR_|TREE_|UTS_|va_(?:start|end|arg|copy|list)\Z")


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each name that no file in sight knows."""
    changed = edits(change, suffixes=(".c",))
    if not changed:
        yield Finding(ID, Status.SKIP, "the patch touches no C file")
        return
    clean = True
    for edit in changed:
        unknown = list(_unknown(change, edit))
        if unknown and _has_a_library(change, edit):
            message = f"{edit.path} is a program with a C library, whose headers are not in the tree"
            unknown = [Finding(ID, Status.SKIP, message, edit.path)]
        clean = clean and not unknown
        yield from unknown
    if clean:
        yield Finding(ID, Status.PASS, "every identifier the patch uses is known where it is used")


def _unknown(change: Change, edit: Edit) -> Iterator[Finding]:
    for header in _missing_headers(change, edit):
        message = f"{edit.path} includes {header}, which the tree does not have"
        hint = "add the header to the patch, or bring its prerequisite"
        yield Finding(ID, Status.FAIL, message, edit.path, hint=hint)
    for name, line in undeclared(includes_after(change), edit):
        message = f"{name} is not declared in {edit.path} nor in any header it includes"
        hint = "a prerequisite is missing, or the name differs in this version"
        yield Finding(ID, Status.FAIL, message, edit.path, line, hint=hint)


def _has_a_library(change: Change, edit: Edit) -> bool:
    """Whether the file is built for a machine with a C library, as those in tools/ are: it, or a header beside it,
    includes what only such a library has. A file that was there is judged as it was before the patch.
    """
    includes = includes_after(change) if edit.before is None else Includes(change.before)
    top = edit.path.partition("/")[0]
    beside = (
        header
        for header in includes.closure(edit.path).headers
        if header.partition("/")[0] == top and not _OF_THE_KERNEL.match(header)
    )
    return any(
        not quoted and _OF_A_LIBRARY.fullmatch(name)
        for path in (edit.path, *beside)
        for quoted, name in INCLUDED_NAMES.of(includes.source, path) or ()
    )


def _missing_headers(change: Change, edit: Edit) -> tuple[str, ...]:
    """Headers that the edit newly includes and that neither the tree has nor the folder's Makefile makes."""
    if edit.after is None or b"include" not in edit.added_code:
        return ()
    known = set(Includes(change.before).missing_from(edit.path)) if edit.before is not None else set()
    missing = [name for name in includes_after(change).missing_from(edit.path) if name not in known]
    folder = posixpath.dirname(edit.path)
    rules = b"".join(change.after.read(RepoPath(f"{folder}/{name}")) or b"" for name in ("Makefile", "Kbuild"))
    made = tuple(name for name in missing if posixpath.basename(name).partition(".")[0].encode() in rules)
    return tuple(name for name in missing if name not in made)


def undeclared(includes: Includes, edit: Edit) -> tuple[tuple[str, int], ...]:
    """Names used in the edit's own lines that nothing in the translation unit knows: (name, 1-based line)."""
    if edit.after is None:
        return ()
    code = _OTHER_DIRECTIVE.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), edit.added_code)
    used = {name: offset for name, offset in identifiers(code).items() if not _MADE_BY_THE_BUILD.match(name)}
    suspects = set(used) - set(identifiers(edit.before or b""))
    if suspects:
        parsed = parse(edit.after)
        suspects -= declared_names(parsed)
        suspects -= _declared_in_macros(edit.after)
        suspects &= set(identifiers(_compiled(code, parsed)))
    if suspects:
        suspects = _unknown_in_unit(includes, edit, code, suspects)
    if suspects:
        suspects -= _of_other_architectures(includes, edit, suspects)
    return tuple((name, code.count(b"\n", 0, offset) + 1) for name, offset in used.items() if name in suspects)


def _declared_in_macros(data: bytes) -> set[str]:
    """Variables that a macro's text declares, which no parser sees: `do { u32 x = (a); … } while (0)`."""
    bodies = b"\n".join(match.group() for match in _DEFINE.finditer(data) if b"{" in match.group())
    return {match.group(2).decode("ascii") for match in _LOCAL.finditer(bodies) if match.group(1) not in _NO_TYPE}


def _unknown_in_unit(includes: Includes, edit: Edit, code: bytes, suspects: set[str]) -> set[str]:
    """Those that no header mentions, could paste together, or takes as a macro's argument to paste with."""
    missing, pasted, pasting = set(suspects), set[str](), set[str]()
    between = set[str]()
    bodies: dict[str, bytes] = {}
    seen: list[bytes] = []
    for data in _seen_by(includes, edit):
        seen.append(data)
        if any(name.encode() in data for name in missing):
            missing.difference_update(identifiers(data))
        if not missing:
            return missing
    for data in seen:
        data = _COMMA_PASTE.sub(b",", data)
        pasted.update((left or right).decode("ascii") for left, right in _PASTE.findall(data))
        pasting.update(name.decode("ascii") for name in _PASTING_MACRO.findall(data))
        for name, rest in _FUNCTION_MACRO.findall(data):
            bodies[name.decode("ascii")] = rest
            between |= _between_arguments(rest)
    _add_callers(pasting, bodies)
    return {
        name
        for name in missing
        if not any(name.startswith(part) or name.endswith(part) for part in pasted)
        and not any(part in name[1:-1] for part in between)
        and not _handed_to(pasting, name, code)
    }


def _between_arguments(macro: bytes) -> set[str]:
    """What a macro, from its parameters on, pastes between two of its arguments: `_attr_` of `of##_attr_##x`."""
    parameters, _, body = macro.partition(b")")
    return {part.decode("ascii") for part in _BETWEEN.findall(body)} - set(identifiers(parameters))


def _add_callers(pasting: set[str], bodies: Mapping[str, bytes]) -> None:
    """Macros that use one of `pasting` hand their arguments on to it, and belong to them."""
    uses = {name: set(identifiers(body)) for name, body in bodies.items()}
    while callers := {name for name, used in uses.items() if used & pasting} - pasting:
        pasting |= callers


def _compiled(code: bytes, parsed: ParsedFile) -> bytes:
    """`code` without what no compiler sees, as under `#if 0`."""
    for span in parsed.disabled:
        code = code[: span.start] + b" " * (span.end - span.start) + code[span.end :]
    return code


def _of_other_architectures(includes: Includes, edit: Edit, names: set[str]) -> set[str]:
    """Those in code that is built for some architecture, nobody says which, and that the headers of one mention."""
    if edit.path.startswith("arch/"):
        return set()
    found: set[str] = set()
    for path in _mentioning(includes.source, {name.encode() for name in names}, "arch"):
        found |= names & set(identifiers(includes.source.read(path) or b""))
        if found == names:
            break
    return found


def _mentioning(source: BlobSource, words: set[bytes], folder: str) -> Iterator[RepoPath]:
    """The headers below `folder` that mention one of `words`, and perhaps others."""
    changed: set[RepoPath] = set()
    base = source
    while isinstance(base, Overlay):
        changed.update(base.changes)
        base = base.base
    if not isinstance(base, TreeAt):
        yield from (path for path in source.paths(folder) if path.endswith(".h"))
        return
    yield from (path for path in base.mentioning(words, folder, suffixes=(".h",)) if path not in changed)
    yield from (path for path in changed if path.endswith(".h") and is_below(path, (folder,)))


def _seen_by(includes: Includes, edit: Edit) -> Iterator[bytes]:
    """The headers in sight; the file's own macros; and where files of its folder include it, what those see."""
    source = includes.source
    yield _only_directives(edit.after or b"")
    seen = dict.fromkeys(includes.closure(edit.path).headers)
    yield from (source.read(header) or b"" for header in seen)
    folder, _, base = edit.path.rpartition("/")
    quoted = b'"' + base.encode("utf-8", "surrogateescape") + b'"'
    for path in source.paths(folder):
        data = source.read(path) if path.endswith((".c", ".h")) and path != edit.path else None
        if data is None or quoted not in data or path in seen:
            continue
        yield data
        yield from (source.read(header) or b"" for header in includes.closure(path).headers if header not in seen)


def _only_directives(data: bytes) -> bytes:
    return b"\n".join(match.group() for match in _DEFINE.finditer(data) if b"#" in match.group()[1:])


def _handed_to(macros: set[str], name: str, code: bytes) -> bool:
    """Whether `name` stands among the arguments of one of `macros`, which make something else of it."""
    for match in re.finditer(rb"\b([A-Za-z_]\w*)[ \t]*\(((?:[^()]|\([^()]*\))*)\)", code):
        if match.group(1).decode("ascii") in macros and name in identifiers(match.group(2)):
            return True
    return False


CHECK = Check(ID, "every identifier a patch uses is declared in that translation unit", run)
