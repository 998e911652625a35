"""What an index was made with: facts of another making are not comparable."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

_ASKING = frozenset({"query.py", "answers.py", "memory.py", "listing.py"})
"""Modules of this folder that only ask: they can change nothing that is kept."""


@cache
def index_version() -> str:
    """A digest of the grammar's version and of the code and queries that read C, so that no change is forgotten."""
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256(f"{version('tree-sitter')} {version('tree-sitter-c')}".encode())
    sources = [*(package / "syntax").rglob("*.py"), *(package / "syntax").rglob("*.scm")]
    sources += [path for path in (package / "hooks" / "index").glob("*.py") if path.name not in _ASKING]
    sources += [package / "hooks" / "tables" / "members.py"]
    for path in sorted(sources):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
