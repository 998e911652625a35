"""A backport without what upstream fixed later in it."""

from dataclasses import replace
from pathlib import Path

import pytest
from kpatch_tools.app.recall import Recall
from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_followups import FollowupReview
from kpatch_tools.app.review_input import Input
from kpatch_tools.backport import WalkedPast
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.patch import patch_of_commit
from kpatch_tools.review.values import Sent, Submission
from kpatch_tools.tree import KernelTree, Signature

FILE = RepoPath("mm/a.c")


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    return KernelTree.create(tmp_path / "linux.git", branch="main")


LINES = "".join(f"int line{number};\n" for number in range(12))
BROKEN = LINES.replace("int line5;", "int line5 = broken_here;")
MENDED = BROKEN.replace("broken_here", "mended_here")


@pytest.fixture
def commits(tree: KernelTree) -> list[ObjectId]:
    """What upstream did: a file, a fix that is wrong, and what mends it."""
    base = tree.empty_tree()
    commits: list[ObjectId] = []
    for number, content in enumerate((LINES, BROKEN, MENDED)):
        message = f"mm: step {number}\n\nWhy.\n"
        if number == 2:
            message += f'\nFixes: {commits[1][:12]} ("mm: step 1")\n'
        who = Signature("A", "a@x.example", 1_300_000_000 + number, 0)
        base = tree.write(
            base=base, changes={FILE: content.encode()}, message=message.encode(), author=who, committer=who
        )
        commits.append(base)
    tree.move("main", base)
    return commits


def test_the_second_half_is_asked_for(tree: KernelTree, commits: list[ObjectId], tmp_path: Path) -> None:
    before = tree.at(commits[0])
    message = f"mm: step 1\n\ncommit {commits[1]} upstream.\n\nWhy.\n".encode()
    past = Recall(tmp_path / "history", make=True).open(tree)
    review = FollowupReview(lambda: past)
    (lacks,) = review.findings(message, before, Overlay(before, {FILE: BROKEN.encode()}))
    assert lacks.status is Status.WARN
    assert commits[2][:12] in lacks.message
    (has,) = review.findings(message, before, Overlay(before, {FILE: MENDED.encode()}))
    assert has.status is Status.PASS
    (none,) = review.findings(b"mm: x\n", before, before)
    (walked,) = FollowupReview(lambda: WalkedPast(tree)).findings(message, before, before)
    (unknown,) = review.findings(message.replace(commits[1].encode(), b"9" * 40), before, before)
    assert none.status is walked.status is unknown.status is Status.SKIP


@pytest.mark.parametrize("patches", [1, 2])
def test_a_later_patch_of_the_series_is_a_second_half(
    tree: KernelTree, commits: list[ObjectId], tmp_path: Path, patches: int
) -> None:
    sent = []
    for number, commit in enumerate(commits[1 : 1 + patches], start=1):
        upstream = patch_of_commit(tree, commit)
        message = upstream.message.replace(b"\n\n", b"\n\ncommit %s upstream.\n\n" % commit.encode(), 1)
        sent.append(Sent(number, replace(upstream, message=message)))
    past = Recall(tmp_path / "history", make=True).open(tree)
    choice = Choice(checks=(), followups=FollowupReview(lambda: past))
    review = review_input(tree, Input(Submission("mm: both", tuple(sent)), commits[0]), choice)
    (first,) = review.patches[0].findings
    assert first.finding.status is (Status.PASS if patches == 2 else Status.WARN)
