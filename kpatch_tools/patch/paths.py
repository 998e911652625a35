"""Paths in diffs: git's quoting, and which of them may be written to."""

import re

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_NAMES = {value: name for name, value in _ESCAPES.items()}
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_PREFIX = re.compile(r"^[abciow12]/")


def quote(path: str) -> bytes:
    r"""`path` as git writes it: C-quoted where it holds control characters, quotes or bytes above 127.

    >>> quote("a/Documentation/caf\u00e9")
    b'"a/Documentation/caf\\303\\251"'
    """
    raw = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in raw):
        return raw
    escaped = "".join(
        "\\" + _NAMES[byte] if byte in _NAMES else chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in raw
    )
    return f'"{escaped}"'.encode("ascii")


def unquote(spelled: bytes) -> str:
    r"""The inverse of `quote`; unquoted text is taken as it is.

    >>> unquote(b'"caf\\303\\251"')
    'café'
    """
    match = _QUOTED.fullmatch(spelled)
    if match is None:
        return spelled.decode("utf-8", "surrogateescape")

    def plain(escape: re.Match[bytes]) -> bytes:
        code = escape.group(1).decode("latin-1")
        return bytes([_ESCAPES[code] if code in _ESCAPES else int(code, 8) & 255 if code.isdigit() else ord(code)])

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, match.group(1), flags=re.DOTALL).decode("utf-8", "surrogateescape")


def header_paths(rest: bytes) -> tuple[str, str] | None:
    """The two names of a `diff --git` line, with their prefixes; None where spaces make them ambiguous."""
    if rest.startswith(b'"') or rest.endswith(b'"'):
        first = _QUOTED.match(rest)
        if first is not None:
            return unquote(first.group()), unquote(rest[first.end() + 1 :])
        cut = rest.index(b' "') if b' "' in rest else -1
        return (unquote(rest[:cut]), unquote(rest[cut + 1 :])) if cut > 0 else None
    text = rest.decode("utf-8", "surrogateescape")
    # Both names are equal apart from the prefix, so the line's middle is the blank between them.
    middle = len(text) // 2
    if len(text) % 2 and text[middle] == " ":
        old, new = text[:middle], text[middle + 1 :]
        if old == new or old.partition("/")[2] == new.partition("/")[2]:
            return old, new
    old, _, new = text.partition(" ")
    return (old, new) if new and " " not in new else None


def strip_prefix(path: str, *, other: str | None) -> str:
    """`path` without its first component, unless both sides are equal and have no prefix (`--no-prefix`).

    >>> strip_prefix("a/mm/x.c", other="b/mm/x.c"), strip_prefix("mm/x.c", other="mm/x.c")
    ('mm/x.c', 'mm/x.c')
    """
    has_no_prefix = path == other and not _PREFIX.match(path)
    return path if has_no_prefix else path.partition("/")[2]


def safe_path(path: str) -> RepoPath:
    """`path`, if it stays inside the tree and out of `.git`; KpatchError unsafe-path."""
    parts = path.split("/")
    reason = ""
    if path.startswith("/") or re.match(r"[A-Za-z]:[/\\]", path):
        reason = "is absolute"
    elif ".." in parts:
        reason = "leads out of the tree"
    elif any(part.lower() == ".git" for part in parts):
        reason = "lies in git's own folder"
    elif "" in parts or "." in parts or any(ord(character) < 32 for character in path):
        reason = "is not a plain path"
    if reason:
        raise KpatchError(
            "unsafe-path",
            f"the patch names {path!r}, which {reason}",
            hint="do not trust this patch; if it is meant well, correct its paths to be relative to the tree's root",
        )
    return RepoPath(path)
