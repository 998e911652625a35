"""A backport without what upstream fixed later in it."""

from pathlib import Path

import pytest
from kpatch_tools.app.recall import Recall
from kpatch_tools.app.review_followups import FollowupReview
from kpatch_tools.backport import WalkedPast
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.tree import KernelTree, Signature

FILE = RepoPath("mm/a.c")


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    return KernelTree.create(tmp_path / "linux.git", branch="main")


def test_the_second_half_is_asked_for(tree: KernelTree, tmp_path: Path) -> None:
    lines = [f"int line{number};" for number in range(12)]
    text = ["\n".join(lines) + "\n"]
    text.append(text[0].replace("int line5;", "int line5 = broken_here;"))
    text.append(text[1].replace("broken_here", "mended_here"))
    base = tree.empty_tree()
    commits = []
    for number, content in enumerate(text):
        message = f"mm: step {number}\n\nWhy.\n"
        if number == 2:
            message += f'\nFixes: {commits[1][:12]} ("mm: step 1")\n'
        who = Signature("A", "a@x.example", 1_300_000_000 + number, 0)
        base = tree.write(
            base=base, changes={FILE: content.encode()}, message=message.encode(), author=who, committer=who
        )
        commits.append(base)
    tree.move("main", base)
    before = tree.at(commits[0])
    message = f"mm: step 1\n\ncommit {commits[1]} upstream.\n\nWhy.\n".encode()
    past = Recall(tmp_path / "history", make=True).open(tree)
    review = FollowupReview(lambda: past)
    (lacks,) = review.findings(message, before, Overlay(before, {FILE: text[1].encode()}))
    assert lacks.status is Status.WARN
    assert commits[2][:12] in lacks.message
    (has,) = review.findings(message, before, Overlay(before, {FILE: text[2].encode()}))
    assert has.status is Status.PASS
    (none,) = review.findings(b"mm: x\n", before, before)
    (walked,) = FollowupReview(lambda: WalkedPast(tree)).findings(message, before, before)
    (unknown,) = review.findings(message.replace(commits[1].encode(), b"9" * 40), before, before)
    assert none.status is walked.status is unknown.status is Status.SKIP
