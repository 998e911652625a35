"""What `A..B` means to every verb that takes a range."""

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import CommitData, KernelTree


def is_range(spelled: str) -> bool:
    """Whether it is spelled as a range."""
    return ".." in spelled


def commits_of_range(tree: KernelTree, spelled: str) -> tuple[CommitData, ...]:
    """The commits of `A..B`, oldest first, without merges, which are no change of their own; HEAD for a side left out.

    Raises KpatchError "bad-range" for `A...B`, "empty-range", and as KernelTree.resolve does.
    """
    low, _, high = spelled.partition("..")
    if high.startswith("."):
        raise KpatchError(
            "bad-range",
            f"{spelled} names what two branches do not share, which is no line of commits",
            hint=f"{low}..{high[1:]} is what the second has and the first has not",
        )
    include, exclude = tree.resolve(high or "HEAD").oid, tree.resolve(low or "HEAD").oid
    found = tree.walk(include=(include,), exclude=(exclude,), reverse=True)
    commits = tuple(commit for commit in found if len(commit.parents) < 2)
    if not commits:
        raise KpatchError("empty-range", f"{spelled} holds no commit", hint="name the older revision first: OLD..NEW")
    return commits
