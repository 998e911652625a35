"""How names, types and values are spelled in facts."""

import re

from kpatch_tools.syntax import Node, ParsedFile

_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_NOT_NEWLINE = re.compile(rb"[^\n]")
_LOOSE = re.compile(r" (?<=[*(] )| (?=[),])")
_VALUE = re.compile(rb"&?\s*([A-Za-z_]\w*)\Z")
_LONGEST_VALUE = 200

SCALARS = frozenset(
    """
    void char short int long float double bool _Bool size_t ssize_t loff_t off_t ptrdiff_t time_t pid_t uid_t gid_t
    u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 uint8_t uint16_t uint32_t uint64_t
    int8_t int16_t int32_t int64_t u_char u_short u_int u_long uint ushort ulong unchar u_int8_t u_int16_t u_int32_t
    u_int64_t __le16 __le32 __le64 __be16 __be32 __be64 __sum16 __wsum uintptr_t intptr_t dma_addr_t phys_addr_t
    resource_size_t sector_t dev_t mode_t umode_t gfp_t atomic_t atomic64_t atomic_long_t cycle_t
    """.split()  # noqa: SIM905 - a list of quoted words is not easier to read
)
"""Types of numbers that every C programmer and every kernel has: never a record, never a function pointer."""


def decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def without_comments(text: bytes) -> bytes:
    """`text` with blanks of the same length in place of comments."""
    return _COMMENT.sub(_blank, text) if b"/" in text else text


def _blank(match: re.Match[bytes]) -> bytes:
    return _NOT_NEWLINE.sub(b" ", match.group())


def one_line(text: bytes) -> str:
    """Code without comments in one line.

    >>> one_line(b"f(a,   /* the first */\\n  b)")
    'f(a, b)'
    """
    if b"/" in text:
        text = _COMMENT.sub(b" ", text)
    return decode(b" ".join(text.split()))


def signature_line(text: bytes) -> str:
    """A declaration in one line, without blanks beside brackets.

    >>> signature_line(b"void  ( * f )( int a ,\\n int b)")
    'void (*f)(int a, int b)'
    """
    line = one_line(text)
    return _LOOSE.sub("", line) if "* " in line or "( " in line or " )" in line or " ," in line else line


def type_name(node: Node, parsed: ParsedFile) -> str:
    """ "struct x", "union x" or a typedef's name; "" for any other type, and for a record without a name."""
    if node.type == "type_identifier":
        return decode(parsed.masked[node.start_byte : node.end_byte])
    if node.type not in ("struct_specifier", "union_specifier"):
        return ""
    name = node.child_by_field_name("name")
    if name is None:
        return ""
    return f"{node.type.partition('_')[0]} {decode(parsed.masked[name.start_byte : name.end_byte])}"


def is_scalar(name: str) -> bool:
    """Whether a type's name is a number's."""
    return name in SCALARS


def value_text(node: Node, parsed: ParsedFile) -> str:
    """A value as facts give it: the name for `f`, `&f` and casts of them, else the expression in one line, cut off
    where it is long."""
    text = parsed.masked[node.start_byte : node.end_byte]
    plain = _VALUE.match(text)
    if plain is not None:
        return decode(plain.group(1))
    inner = unwrapped(node)
    if inner != node:
        return value_text(inner, parsed)
    return one_line(text)[:_LONGEST_VALUE]


def unwrapped(node: Node) -> Node:
    """`node` without the casts and parentheses around it, and without `&` where a name follows."""
    while True:
        if node.type == "cast_expression":
            inner = node.child_by_field_name("value")
        elif node.type == "parenthesized_expression":
            inner = next(iter(node.named_children), None)
        elif node.type == "pointer_expression" and (node.text or b"")[:1] == b"&":
            inner = node.child_by_field_name("argument")
            if inner is None or unwrapped(inner).type != "identifier":
                return node
        else:
            return node
        if inner is None:
            return node
        node = inner
