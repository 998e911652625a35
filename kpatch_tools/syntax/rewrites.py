"""How each kind of macro is made readable for the C grammar, in place and at equal length."""

import re
from collections.abc import Iterator
from itertools import pairwise

from kpatch_tools.core.span import Span

from .macros import Kind

_BLANKS = bytes(10 if byte == 10 else 32 for byte in range(256))
_DELIMITER = re.compile(
    rb"""/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'|[();#]""",
    re.DOTALL,
)
_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)", re.DOTALL)
_OPENING = re.compile(rb"[ \t]*\n?[ \t]*\(")
_ASM_OPENING = re.compile(rb"\s*(?:(?:volatile|__volatile__|__volatile|goto|inline)\s*)*\(")
_ASM_TOKEN = re.compile(rb"""/\*.*?(?:\*/|\Z)|"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\.)*'|([(),:\[\]])""", re.DOTALL)
_BETWEEN = rb"""(?:\s|/\*.*?\*/)*"""
_OPERAND = re.compile(_BETWEEN + rb"""(?:(?:\[[^\]]*\]""" + _BETWEEN + rb""")?"|\Z)""", re.DOTALL)
_TEMPLATE = re.compile(rb"""(?:\s|/\*.*?\*/|\w+(?=[\s"])|"(?:[^"\\]|\\.)*")*""", re.DOTALL)
_TYPE_WORD = re.compile(
    rb"\b(?:struct|union|enum|const|unsigned|signed|volatile)\b(?=\s+\w)"
    rb"|\b(?:long|short)\b(?=\s+(?:long|int)\b)|\*(?=[\s*]*[,)])"
)
_VARIADIC = re.compile(rb"\w+(?=\.\.\.[ \t]*\))")
# A look-behind after what it speaks of lets the search begin with a literal.
_CASE_RANGE = re.compile(rb"case(?<!\wcase)\b[^:;?{}\"'\n]*?(\.\.\.[^:;?{}\n]*):")
_LEVEL = re.compile(rb"KERN_(?<!\wKERN_)[A-Z]+(?=\s+[A-Za-z_])")
_TOP_LEVEL_CALL = re.compile(
    rb"\n(_*[A-Z][A-Z0-9_]*)\(([^;{}()\n]*)\)[ \t]*(;?)(?=[ \t]*(?:/\*[^\n]*)?\n(\s*[{=:,;]?))"
)
_WORD_BEFORE = re.compile(rb"(\w+|\*)\s*\Z")
_TWO_WORDS = re.compile(rb"\w\s+[\w*]|\w\*")


def blank(data: bytes) -> bytes:
    """As many spaces, with the newlines of `data`.

    >>> blank(b"ab\\ncd")
    b'  \\n  '
    """
    return data.translate(_BLANKS)


def closing_parenthesis(data: bytes, opening: int) -> int | None:
    """Offset of the `)` that closes the `(` at `opening`; None where a statement or directive ends first."""
    depth = 0
    for match in _DELIMITER.finditer(data, opening):
        token = match.group()
        if token == b"(":
            depth += 1
        elif token == b")":
            depth -= 1
            if depth == 0:
                return match.start()
        elif token == b";" or (token == b"#" and _begins_line(data, match.start())):
            return None
    return None


def rewrite_word(data: bytes, out: bytearray, word: bytes, kind: Kind, start: int) -> Span | None:
    """Rewrite one macro in `out`; what was blanked, None if the word is still readable there or no macro after all."""
    end = start + len(word)
    if kind is Kind.BLANK:
        out[start:end] = b" " * (end - start)
        return Span(start, end)
    opening = (_ASM_OPENING if kind is Kind.ASM else _OPENING).match(data, end)
    close = closing_parenthesis(data, opening.end() - 1) if opening is not None else None
    if opening is None or close is None:
        return None
    first = opening.end()
    match kind:
        case Kind.BLANK_WITH_ARGUMENTS:
            if word.startswith(b"__setup") and not _stands_alone(data, start):
                return None
            out[start : close + 1] = blank(data[start : close + 1])
        case Kind.PER_CPU:
            _rewrite_per_cpu(data, out, start, first, close)
        case Kind.SYSCALL:
            _rewrite_syscall(data, out, start, first, close)
        case Kind.BITMAP:
            _rewrite_bitmap(data, out, start, first, close)
        case Kind.BRK_ARRAY:
            _rewrite_brk_array(data, out, start, first, close)
        case Kind.NAMED:
            if not _rewrite_named(data, out, start, first, close):
                return None
        case Kind.TYPEOF:
            out[start : close + 1] = b"int" + blank(data[start + 3 : close + 1])
        case Kind.ITERATOR:
            if _is_declared(data, start) or not (word.startswith(b"while_") or _begins_loop(data, close + 1)):
                return None
            out[start:end] = b"while".ljust(end - start)
        case Kind.ASM:
            _rewrite_asm(data, out, first, close)
            return None
        case Kind.OFFSETOF:
            _rewrite_offsetof(data, out, first, close)
            return None
        case Kind.TYPE_ARGUMENT:
            _rewrite_type_words(data, out, first, close)
            return None
    return Span(start, close + 1)


def rewrite_define(data: bytes, out: bytearray, define: Span) -> None:
    """Comments in a macro's body end it for the grammar; and it knows `...` only without a name, not `args...`."""
    body = data[define.start : define.end]
    for comment in _COMMENT.finditer(body):
        if not body[comment.end() :].strip():
            continue
        begin = define.start + comment.start()
        text = bytearray(blank(comment.group()))
        for line_end in re.finditer(rb"(?<= )\n", bytes(text)):
            text[line_end.start() - 1 : line_end.start()] = b"\\"
        out[begin : begin + len(text)] = text
    match = _VARIADIC.search(out, define.start, define.end)
    if (
        match is not None
        and b"(" in out[define.start : match.start()]
        and b")" not in out[define.start : match.start()]
    ):
        out[match.start() : match.end()] = b" " * (match.end() - match.start())


def rewrite_lines(text: bytes) -> tuple[bytes, list[tuple[str, Span]]]:
    """Case ranges, log levels before a macro, and calls at top level that are no C statement; what was blanked."""
    found = [("...", Span(*match.span(1))) for match in _CASE_RANGE.finditer(text)] if b"..." in text else []
    text = _without(text, found)
    levels = [(match.group().decode("ascii"), Span(*match.span())) for match in _LEVEL.finditer(text)]
    text = _without(text, levels)
    calls: list[tuple[str, Span]] = []
    for match in _TOP_LEVEL_CALL.finditer(b"\n" + text):
        name, arguments, semicolon, following = match.groups()
        if following.strip() or (semicolon and not _TWO_WORDS.search(arguments)):
            continue
        calls.append((name.decode("ascii"), Span(match.start(1) - 1, match.end(2))))
    return _without(text, calls), found + levels + calls


def _without(text: bytes, found: list[tuple[str, Span]]) -> bytes:
    if not found:
        return text
    out = bytearray(text)
    for _, span in found:
        out[span.start : span.end] = blank(text[span.start : span.end])
    return bytes(out)


def _begins_line(data: bytes, offset: int) -> bool:
    return not data[data.rfind(b"\n", 0, offset) + 1 : offset].strip(b" \t")


def _stands_alone(data: bytes, start: int) -> bool:
    return start == 0 or data[start - 1 : start] == b"\n"


def _is_declared(data: bytes, start: int) -> bool:
    """Whether a type stands before the name: then it is a function's."""
    match = _WORD_BEFORE.search(data, max(0, start - 80), start)
    return match is not None and match.group(1) not in (b"else", b"do")


def _begins_loop(data: bytes, offset: int) -> bool:
    """An iterator macro is followed by a statement; one that ends in `;` or goes on is a call."""
    rest = data[offset : offset + 200].lstrip()
    return rest[:1] not in (b";", b",", b")", b"") and not re.match(rb"[-+*/%&|^<>=?:.\[]", rest)


def _rewrite_per_cpu(data: bytes, out: bytearray, start: int, first: int, close: int) -> None:
    """`DEFINE_PER_CPU(struct a, b) = ...` becomes `struct a b = ...`: a declaration that the grammar knows."""
    out[start:first] = blank(data[start:first])
    out[close : close + 1] = b" "
    comma = data.rfind(b",", first, close)
    if comma >= 0:
        out[comma : comma + 1] = b" "
        bounds = data.find(b"[", first, comma)
        if bounds >= 0:
            # An array's bounds cannot be moved behind the name.
            out[bounds:comma] = blank(data[bounds:comma])


def _rewrite_syscall(data: bytes, out: bytearray, start: int, first: int, close: int) -> None:
    """`SYSCALL_DEFINE2(a, int, b, char *, c)` becomes `long a(int b, char * c)`."""
    out[start:first] = b"long".ljust(first - start)
    for index, match in enumerate(re.finditer(rb",", data[first:close])):
        offset = first + match.start()
        if index == 0:
            out[offset : offset + 1] = b"("
        elif index % 2:
            out[offset : offset + 1] = b" "


def _rewrite_bitmap(data: bytes, out: bytearray, start: int, first: int, close: int) -> None:
    """`DECLARE_BITMAP(a, n)` becomes `unsigned long a[n]`, which is what it means."""
    comma = data.find(b",", first, close)
    if comma < 0:
        return
    out[start:first] = b"unsigned long".ljust(first - start)
    out[comma : comma + 1] = b"["
    out[close : close + 1] = b"]"


def _rewrite_brk_array(data: bytes, out: bytearray, start: int, first: int, close: int) -> None:
    """`RESERVE_BRK_ARRAY(t, a, n)` becomes `t *a`."""
    commas = [first + match.start() for match in re.finditer(rb",", data[first:close])]
    if len(commas) < 2:
        return
    out[start:first] = blank(data[start:first])
    out[commas[0] : commas[0] + 1] = b"*"
    out[commas[1] : close + 1] = blank(data[commas[1] : close + 1])


def _rewrite_named(data: bytes, out: bytearray, start: int, first: int, close: int) -> bool:
    """`static DECLARE_WORK(a, f)` becomes `static int a`."""
    name = re.compile(rb"\s*\w+\s*(?=,)").match(data, first, close)
    if name is None or not data[max(0, start - 20) : start].rstrip().endswith(b"static"):
        return False
    out[start:first] = b"int".ljust(first - start)
    out[name.end() : close + 1] = blank(data[name.end() : close + 1])
    return True


def _rewrite_asm(data: bytes, out: bytearray, first: int, close: int) -> None:
    """`asm(CODE(a) : OUT(x), "m" (y))` becomes `asm("" : "m" (y))`.

    The code has to be strings, and an operand has to begin with its constraint.
    """
    marks = list(_asm_separators(data, first, close))
    colons = [index for index, mark in enumerate(marks) if data[mark : mark + 1] == b":"]
    code = data[first : marks[colons[0]] if colons else close].lstrip()
    begin = data.index(code, first)
    if len(code.split(b"\n")[0]) > 1 and (b'"' not in code or _TEMPLATE.fullmatch(code) is None):
        out[begin : begin + len(code)] = b'""' + blank(code[2:])
    # Outputs and inputs; what follows are clobbers and labels.
    for section, index in enumerate(colons[:2]):
        end = colons[section + 1] if section + 1 < len(colons) else len(marks)
        kept = False
        for left, right in pairwise([*marks[index:end], marks[end] if end < len(marks) else close]):
            stays = _OPERAND.match(data, left + 1, right) is not None
            if not stays:
                out[left + 1 : right] = blank(data[left + 1 : right])
            if data[left : left + 1] == b"," and not (stays and kept):
                out[left : left + 1] = b" "
            kept = kept or stays


def _asm_separators(data: bytes, first: int, close: int) -> Iterator[int]:
    """The `:` and `,` between the operands."""
    depth = 0
    for match in _ASM_TOKEN.finditer(data, first, close):
        mark = match.group(1)
        if mark in (b"(", b"["):
            depth += 1
        elif mark in (b")", b"]"):
            depth -= 1
        elif mark is not None and depth == 0:
            yield match.start()


def _rewrite_offsetof(data: bytes, out: bytearray, first: int, close: int) -> None:
    """`offsetof(type, a.b[2])` becomes `offsetof(type, a)`."""
    comma = data.rfind(b",", first, close)
    deeper = re.search(rb"[.\[]|->", data[comma:close]) if comma >= 0 else None
    if deeper is not None:
        begin = comma + deeper.start()
        out[begin:close] = blank(data[begin:close])


def _rewrite_type_words(data: bytes, out: bytearray, first: int, close: int) -> None:
    """Where a macro takes a type, leave one identifier that reads as an expression: `struct foo *` becomes `foo`."""
    for match in _TYPE_WORD.finditer(data, first, close + 1):
        out[match.start() : match.end()] = b" " * (match.end() - match.start())
