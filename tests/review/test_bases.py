"""What a series was made on."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.bases import rank_bases, wanted_blobs
from kpatch_tools.review.threads import Received, find_submissions
from kpatch_tools.review.values import BaseReason, Submission
from kpatch_tools.tree import KernelTree

from .conftest import Work, lines

Series = Callable[..., list[Received]]


def submission_of(letters: list[Received]) -> Submission:
    (one,) = find_submissions(letters)[0]
    return one


def test_the_sender_the_user_and_the_blobs_in_this_order(series: Series, work: Work) -> None:
    submission = submission_of(series("--base=v1"))
    tree = KernelTree.open(work.path)
    bases = rank_bases(tree, submission, named=("main",))
    assert [one.reason for one in bases] == [BaseReason.NAMED, BaseReason.USER]
    assert [(one.matched, one.wanted) for one in bases] == [(1, 1), (0, 1)]
    assert bases[0].commit == tree.resolve("v1").oid


def test_blob_ids_find_the_newest_revision_that_has_all(series: Series, work: Work) -> None:
    letters = series()
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


def test_files_that_the_series_makes_are_no_preimages(series: Series, work: Work) -> None:
    assert list(wanted_blobs(submission_of(series()))) == ["drivers/one.c"]


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
