"""Git repositories: the only room that imports pygit2."""

from .folder import Folder
from .gathering import Gathering
from .history import TreeChange
from .lines import LineHunk, diff_lines
from .merge import MergeResult, merge_blobs
from .objects import CommitData, Signature
from .repository import KernelTree
from .revisions import Revision
from .search import SearchResult
from .selection import Selection
from .view import TreeAt

__all__ = [
    "CommitData",
    "Folder",
    "Gathering",
    "KernelTree",
    "LineHunk",
    "MergeResult",
    "Revision",
    "SearchResult",
    "Selection",
    "Signature",
    "TreeAt",
    "TreeChange",
    "diff_lines",
    "merge_blobs",
]
