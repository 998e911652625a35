"""What a series was made on."""

import re
from collections.abc import Callable, Iterator, Sequence

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.review.bases import preimages, rank_bases
from kpatch_tools.review.threads import Received, find_submissions
from kpatch_tools.review.values import BaseReason, Submission
from kpatch_tools.tree import CommitData, KernelTree

from .conftest import Work, lines

Series = Callable[..., list[Received]]


def submission_of(letters: list[Received]) -> Submission:
    (one,) = find_submissions(letters)[0]
    return one


def sent(letters: list[Received]) -> list[Received]:
    """As they come from a list: without the ids of the sender's commits."""
    return [Received(one.name, re.sub(rb"^From [0-9a-f]{40}", b"From " + b"0" * 40, one.data)) for one in letters]


def test_the_sender_the_user_and_the_blobs_in_this_order(series: Series, work: Work) -> None:
    submission = submission_of(series("--base=v1"))
    tree = KernelTree.open(work.path)
    bases = rank_bases(tree, submission, named=("main",))
    assert [one.reason for one in bases] == [BaseReason.NAMED, BaseReason.USER]
    assert [(one.matched, one.wanted) for one in bases] == [(2, 2), (0, 2)]
    assert bases[0].commit == tree.resolve("v1").oid


def test_blob_ids_find_the_newest_revision_that_has_all(series: Series, work: Work) -> None:
    letters = sent(series())
    work.git("checkout", "-q", "v1")
    for name in ("v2", "v3"):
        work.commit(name, drivers__other_c=f"int {name};\n", drivers__one_c=lines(40))
        work.git("tag", name)
    work.commit("gone on", drivers__one_c=lines(41))
    work.git("tag", "v4")
    bases = rank_bases(KernelTree.open(work.path), submission_of(letters))
    assert [(one.revision, one.reason) for one in bases[:3]] == [
        ("v3", BaseReason.BLOBS),
        ("v2", BaseReason.BLOBS),
        ("v1", BaseReason.BLOBS),
    ]
    assert bases[-1].revision == "HEAD"


def test_what_was_made_from_a_commit_that_is_here_stands_on_its_parent(series: Series, work: Work) -> None:
    work.commit("gone on", drivers__one_c=lines(41))
    tree = KernelTree.open(work.path)
    first = rank_bases(tree, submission_of(series()))[0]
    assert (first.commit, first.reason) == (tree.resolve("v1").oid, BaseReason.PARENT)


def test_a_branch_that_went_on_is_looked_through(series: Series, work: Work) -> None:
    letters = sent(series())
    work.git("tag", "-d", "v1")
    tree = KernelTree.open(work.path)
    first = rank_bases(tree, submission_of(letters))[0]
    assert (first.commit, first.reason) == (tree.resolve("HEAD~3").oid, BaseReason.BLOBS)


def test_the_history_between_tags_is_looked_through(series: Series, work: Work) -> None:
    """Where somebody can say who changed the files, no commit is too old."""
    letters = sent(series())
    work.git("tag", "-d", "v1")
    work.git("checkout", "-q", "--orphan", "elsewhere")
    work.commit("elsewhere", drivers__one_c="int other;\n")
    tree = KernelTree.open(work.path)
    paths: list[Sequence[RepoPath]] = []

    def touching(wanted: Sequence[RepoPath]) -> Iterator[CommitData]:
        paths.append(wanted)
        return tree.walk(include=(tree.resolve("main").oid,), paths=wanted)

    first = rank_bases(tree, submission_of(letters), touching=touching)[0]
    assert (first.commit, first.reason) == (tree.resolve("main~3").oid, BaseReason.BLOBS)
    assert (first.matched, first.wanted) == (2, 2)
    assert paths == [("drivers/one.c", "drivers/two.c")]


def test_a_file_that_the_series_makes_must_not_be_there(series: Series, work: Work) -> None:
    wanted = preimages(submission_of(series()))
    assert list(wanted) == ["drivers/one.c", "drivers/two.c"]
    assert wanted[RepoPath("drivers/two.c")] is None


def test_a_base_that_is_not_here_is_no_candidate(series: Series, work: Work) -> None:
    letters = [
        Received(one.name, one.data.replace(b"base-commit: ", b"base-commit: 0123")[: len(one.data)])
        for one in series("--base=v1")
    ]
    bases = rank_bases(KernelTree.open(work.path), submission_of(letters))
    assert BaseReason.NAMED not in {one.reason for one in bases}


def test_what_the_user_names_must_be_there(series: Series, work: Work) -> None:
    with pytest.raises(KpatchError) as raised:
        rank_bases(KernelTree.open(work.path), submission_of(series()), named=("v99",))
    assert raised.value.code == "unknown-revision"
