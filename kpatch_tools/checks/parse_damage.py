"""parse-damage: the patch leaves no C file harder to parse than it was.

Why: a misplaced hunk shows as an unbalanced brace or a statement outside of a function long before a compiler sees it.
Example: a hunk that lost its closing brace. Source: tree-sitter's C grammar, after the kernel's annotation macros are
blanked; only errors that the file did not have before count.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import edits, parse, without_comments
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.span import Span
from kpatch_tools.syntax.symbols import spans_of_lines

ID = "parse-damage"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL where text that parsed no longer does, or a file without errors has one; the first place of each file.

    Errors inside the patch's own lines prove nothing where the grammar never understood the file (trace events, say),
    nor in inline assembly: those are a SKIP.
    """
    clean = True
    for edit in edits(change):
        if edit.after is None:
            continue
        errors, old = _errors(edit.after), _errors(edit.before or b"")
        known = {_line_at(edit.before or b"", span.start) for span in old}
        own = spans_of_lines(edit.after, edit.added)
        new = [span for span in errors if _line_at(edit.after, span.start) not in known]
        elsewhere = [span for span in new if not any(line.start <= span.start < line.end for line in own)]
        foreign = bool(old) or edit.before is None or b"asm" in edit.after
        if len(errors) <= len(old) or not new:
            continue
        clean = False
        place = (elsewhere or new)[0]
        line = edit.after.count(b"\n", 0, place.start) + 1
        if not foreign or (elsewhere and not _is_balanced(edit.after)):
            hint = "look for a lost or doubled brace or parenthesis, or a hunk in the wrong place"
            yield Finding(ID, Status.FAIL, f"{edit.path} no longer parses as C here", edit.path, line, hint=hint)
        else:
            yield Finding(ID, Status.SKIP, f"new lines of {edit.path} could not be parsed", edit.path, line)
    if clean:
        yield Finding(ID, Status.PASS, "no new parse damage")


def _errors(data: bytes) -> list[Span]:
    """Errors in the C; inside a directive (a comment in a macro's body, say) the grammar is easily lost."""
    parsed = parse(data)
    return [
        span
        for span in parsed.errors
        if not any(directive.span.start <= span.start < directive.span.end for directive in parsed.directives)
    ]


def _is_balanced(data: bytes) -> bool:
    """Whether every brace and parenthesis outside comments and strings has its counterpart."""
    code = without_comments(data)
    return all(code.count(opening) == code.count(closing) for opening, closing in ((b"{", b"}"), (b"(", b")")))


def _line_at(data: bytes, offset: int) -> bytes:
    """The whole line that holds `offset`: where an error was, told by what stands there."""
    return data[data.rfind(b"\n", 0, offset) + 1 : data.find(b"\n", offset)]


CHECK = Check(ID, "no new parse damage", run)
