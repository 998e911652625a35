"""Git's commit and tree objects, as values and as bytes.

Parsed here rather than through pygit2's objects: names and messages keep their bytes, and listing a tree costs a
tenth.
"""

import re
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_ROW = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
MODE_FOLDER = 0o040000
FOLDER_MODES = (b"40000", b"040000")  # as they are spelled; old tools wrote the leading zero
MODE_FILE = 0o100644
MODE_EXECUTABLE = 0o100755
MODE_SYMLINK = 0o120000
MODE_SUBMODULE = 0o160000


def is_regular(mode: int) -> bool:
    """Whether `mode` is a file with content of its own: neither folder, nor symlink, nor submodule."""
    return mode & 0o170000 == 0o100000


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when: `when` in seconds since the epoch, `offset` in minutes east of UTC."""

    name: str
    email: str
    when: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CommitData:
    """One commit. `subject` is the message's first paragraph in one line; undecodable bytes as surrogates.

    `message` is verbatim, but for a commit that declares another encoding: that one is in UTF-8, and so are its names.
    """

    oid: ObjectId
    tree: ObjectId
    parents: tuple[ObjectId, ...]
    author: Signature
    committer: Signature
    message: bytes
    subject: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """What one name in a folder stands for."""

    mode: int
    oid: ObjectId


def parse_commit(oid: ObjectId, data: bytes) -> CommitData:
    """The commit whose raw object is `data`. Unknown headers (signatures, merge tags) are passed over."""
    head, _, message = data.partition(b"\n\n")
    tree = ""
    parents: list[ObjectId] = []
    author = committer = Signature("", "")
    encoding = _declared_encoding(head)
    if encoding is not None:
        head, message = _as_utf8(head, encoding), _as_utf8(message, encoding)
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(ObjectId(value.decode("ascii")))
        elif key == b"tree":
            tree = value.decode("ascii")
        elif key == b"author":
            author = parse_signature(value)
        elif key == b"committer":
            committer = parse_signature(value)
    return CommitData(oid, ObjectId(tree), tuple(parents), author, committer, message, subject_of(message))


def parse_lineage(data: bytes) -> tuple[int, tuple[ObjectId, ...]]:
    """When it was committed, in seconds since the epoch, and on what: in a tenth of `parse_commit`'s time."""
    lines = data.partition(b"\n\n")[0].split(b"\n")
    parents = tuple(ObjectId(line[7:].decode("ascii")) for line in lines if line.startswith(b"parent "))
    committers = [line[10:] for line in lines if line.startswith(b"committer ")]
    return parse_signature(committers[-1]).when if committers else 0, parents


def _declared_encoding(head: bytes) -> str | None:
    start = head.find(b"\nencoding ")
    if start < 0:
        return None
    return head[start + 10 :].partition(b"\n")[0].decode("ascii", "replace")


def _as_utf8(data: bytes, encoding: str) -> bytes:
    """What cannot be decoded stays as it is, as in git log."""
    try:
        return data.decode(encoding).encode("utf-8")
    except (LookupError, UnicodeDecodeError):
        return data


def subject_of(message: bytes) -> str:
    r"""The first paragraph of `message` as one line, as git's %s prints it.

    >>> subject_of(b"\nx86: put\ntables high \n  \nBecause.\n")
    'x86: put tables high'
    """
    lines: list[bytes] = []
    for line in message.split(b"\n"):
        text = line.rstrip()
        if text:
            lines.append(text)
        elif lines:
            break
    return b" ".join(lines).decode("utf-8", "surrogateescape")


def parse_signature(value: bytes) -> Signature:
    """`Name <email> seconds +hhmm`; a damaged date becomes 0, as in git."""
    name, _, rest = value.partition(b"<")
    email, _, date = rest.rpartition(b">")
    fields = date.split()
    when = int(fields[0]) if fields and fields[0].lstrip(b"-").isdigit() else 0
    offset = _parse_offset(fields[1]) if len(fields) > 1 else 0
    return Signature(
        name.strip().decode("utf-8", "surrogateescape"), email.decode("utf-8", "surrogateescape"), when, offset
    )


def _parse_offset(zone: bytes) -> int:
    digits = zone.lstrip(b"+-")
    if not digits.isdigit():
        return 0
    minutes = int(digits) // 100 * 60 + int(digits) % 100
    return -minutes if zone.startswith(b"-") else minutes


def format_signature(signature: Signature) -> bytes:
    """The inverse of `parse_signature`; bytes that would end a field early are left out, as git does."""
    sign = "-" if signature.offset < 0 else "+"
    hours, minutes = divmod(abs(signature.offset), 60)
    name = _without(signature.name, "<>\n\0").strip()
    email = _without(signature.email, "<>\n\0").strip()
    return f"{name} <{email}> {signature.when} {sign}{hours:02}{minutes:02}".encode("utf-8", "surrogateescape")


def _without(text: str, unwanted: str) -> str:
    return "".join(character for character in text if character not in unwanted)


def format_commit(
    *, tree: ObjectId, parents: tuple[ObjectId, ...], author: Signature, committer: Signature, message: bytes
) -> bytes:
    """The raw commit object."""
    lines = [b"tree " + tree.encode()]
    lines += [b"parent " + parent.encode() for parent in parents]
    lines += [b"author " + format_signature(author), b"committer " + format_signature(committer)]
    return b"\n".join(lines) + b"\n\n" + message


def scan_tree(data: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    """Name to (mode in octal digits, id as 20 bytes), in git's order; KpatchError corrupt-object.

    Walking a history reads hundreds of thousands of trees for one entry each: nothing is converted here.
    """
    rows = _ENTRY.findall(data)
    if sum(len(mode) + len(name) + 22 for mode, name, _ in rows) != len(data):
        raise _corrupt()
    return {name: (mode, oid) for mode, name, oid in rows}


def tree_rows(data: bytes) -> frozenset[bytes]:
    """The entries of a tree object, each as it stands there: the mode, a blank, the name, NUL and the id's 20 bytes.

    Which entries two trees do not share is told by these alone, in a third of the time. KpatchError corrupt-object.
    """
    rows = _ROW.findall(data)
    if sum(map(len, rows)) != len(data):
        raise _corrupt()
    return frozenset(rows)


def parse_row(row: bytes) -> tuple[bytes, TreeEntry]:
    """One of `tree_rows`: the name, and what it stands for."""
    mode, _, rest = row.partition(b" ")
    return rest[:-21], TreeEntry(int(mode, 8), ObjectId(row[-20:].hex()))


def _corrupt() -> KpatchError:
    return KpatchError("corrupt-object", "a tree object cannot be read to its end", hint="run git fsck")


def parse_tree(data: bytes) -> dict[bytes, TreeEntry]:
    """Name to entry, in git's order; KpatchError corrupt-object."""
    return {name: TreeEntry(int(mode, 8), ObjectId(oid.hex())) for name, (mode, oid) in scan_tree(data).items()}


def format_tree(entries: dict[bytes, TreeEntry]) -> bytes:
    """The raw tree object: names in git's order, where a folder sorts as if it ended in `/`."""

    def order(item: tuple[bytes, TreeEntry]) -> bytes:
        name, entry = item
        return name + b"/" if entry.mode == MODE_FOLDER else name

    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid))
        for name, entry in sorted(entries.items(), key=order)
    )


def missing_blob(error: Exception) -> KpatchError:
    """What to say where a file of a tree cannot be read from the repository that has the tree."""
    return KpatchError(
        "missing-object",
        f"a file of this revision is not in this repository: {error}",
        hint="fetch it: git fetch --refetch in a partial clone; otherwise run git fsck",
    )
