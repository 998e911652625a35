"""Use case: what a person or a bot names, as series to review."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.ranges import commits_of_range, is_range
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import patch_of_commit
from kpatch_tools.review.sources import letters_in, letters_of_folder
from kpatch_tools.review.threads import Received, find_submissions
from kpatch_tools.review.values import Sent, Skipped, Submission
from kpatch_tools.tree import CommitData, KernelTree


@dataclass(frozen=True, slots=True)
class Input:
    """`parent`: the commit that the patches were made on, where they are commits; None for mail."""

    submission: Submission
    parent: ObjectId | None = None


def inputs_of_letters(received: Iterable[Received]) -> tuple[tuple[Input, ...], tuple[Skipped, ...]]:
    """The series among letters, and what was passed over."""
    submissions, skipped = find_submissions(received)
    return tuple(map(Input, submissions)), skipped


def inputs_of_path(path: Path) -> tuple[tuple[Input, ...], tuple[Skipped, ...]]:
    """The series of a file or folder. KpatchError unreadable-patch, and those of review.sources."""
    if path.is_dir():
        return inputs_of_letters(letters_of_folder(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KpatchError(
            "unreadable-patch", f"cannot read {path}: {error.strerror}", hint="name a readable file"
        ) from error
    return inputs_of_letters(letters_in(data, path.name))


def inputs_of_commits(tree: KernelTree, spelled: str) -> tuple[Input, ...]:
    """A commit, or the commits of A..B, merges left out: a line of commits is one series, others stand alone.

    KpatchError: unknown-revision, merge-commit, root-commit, empty-range, bad-range.
    """
    if not is_range(spelled):
        return _lines_of(tree, [_lone(tree, spelled)])
    return inputs_of_walk(tree, commits_of_range(tree, spelled))


def inputs_of_walk(tree: KernelTree, commits: Iterable[CommitData]) -> tuple[Input, ...]:
    """Commits, parents first, as series; merges and first commits are left out."""
    return _lines_of(tree, [commit for commit in commits if len(commit.parents) == 1])


def _lone(tree: KernelTree, spelled: str) -> CommitData:
    commit = tree.commit(tree.commit_id(spelled))
    if len(commit.parents) > 1:
        raise KpatchError("merge-commit", f"{spelled} is a merge, not one change", hint="name what it merged: A..B")
    if not commit.parents:
        raise KpatchError("root-commit", f"{spelled} is a history's first commit", hint="name a change of it")
    return commit


def _lines_of(tree: KernelTree, commits: Sequence[CommitData]) -> tuple[Input, ...]:
    lines: list[list[CommitData]] = []
    for commit in commits:
        if lines and lines[-1][-1].oid == commit.parents[0]:
            lines[-1].append(commit)
        else:
            lines.append([commit])
    return tuple(_input(tree, line) for line in lines)


def _input(tree: KernelTree, line: Sequence[CommitData]) -> Input:
    sent = tuple(
        Sent(number, patch_of_commit(tree, commit.oid), name=commit.oid[:12])
        for number, commit in enumerate(line, start=1)
    )
    subject = line[0].subject if len(line) == 1 else f"{line[0].oid[:12]}^..{line[-1].oid[:12]}"
    return Input(Submission(subject, sent), line[0].parents[0])
