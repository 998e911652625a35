"""The main job for commits and patches, as a use case: what is reported, and what is written only when asked."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.backport import LayoutVerdict, ModelResult, Outcome, Verdict
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import format_patch, parse_patch, patch_of_commit
from kpatch_tools.tree import KernelTree, Signature

FILE = "mm/pool.c"
OLD = "int pool_top;\n\nint pool_first(int size)\n{\n\tint page = pool_top;\n\n\tpool_top += size;\n\treturn page;\n}\n"
FIXED = OLD.replace("pool_top += size", "pool_top += size + 1")
KERNEL = {"Makefile": "VERSION = 2\n", "include/linux/kernel.h": "#define K\n", "arch/x86/Kconfig": "config X86\n"}
AUTHOR = Signature("An Author", "author@example.org", 1_300_000_000, 60)
ME = Signature("Me Myself", "me@example.org")


class Silent:
    """A model that has nothing to do with these files."""

    def concerns(self, paths):
        return False

    def run(self, source, *, first=(), until_fault=False):
        return ModelResult((LayoutVerdict("512M", Verdict.OK),))


@dataclass(frozen=True)
class Kernel:
    tree: KernelTree
    base: str
    fix: str

    def run(self, subject, target="target", **wishes):
        request = BackportRequest(target=target, subject=subject, identity=ME, when=1_400_000_000, **wishes)
        return backport(request, self.tree, model=Silent())

    def refs(self):
        return sorted(pygit2.Repository(str(self.tree.path)).listall_references())


@pytest.fixture
def kernel(tmp_path) -> Kernel:
    repository = pygit2.init_repository(str(tmp_path / "kernel.git"), bare=True)
    tree = KernelTree.open(tmp_path / "kernel.git")

    def commit(base, files, message):
        changes = {RepoPath(path): text.encode() for path, text in files.items()}
        return tree.write(base=base, changes=changes, message=message.encode(), author=AUTHOR, committer=AUTHOR)

    empty = str(repository.TreeBuilder().write())
    base = commit(empty, {**KERNEL, FILE: OLD}, "mm: a pool\n")
    fix = commit(
        base, {FILE: FIXED}, "mm: leave room\n\nOne page more.\n\nSigned-off-by: An Author <author@example.org>\n"
    )
    target = commit(base, {FILE: "/* more */\n" + OLD}, "more\n")
    repository.create_reference("refs/tags/target", target)
    repository.create_reference("refs/tags/upstream", fix)
    return Kernel(tree, base, fix)


def test_nothing_is_written_unless_asked(kernel):
    before = kernel.refs()
    report = kernel.run(kernel.fix)
    assert (report.outcome, report.exit) == (Outcome.BACKPORTED, Exit.DONE)
    assert report.changes == {FILE: ("/* more */\n" + FIXED).encode()}
    assert (report.patches, report.files, report.branch, kernel.refs()) == ((), (), None, before)
    assert report.next_command == f"kpt backport {kernel.fix} --to target -o patches"


def test_a_branch_keeps_author_and_date_and_names_upstream(kernel):
    report = kernel.run(kernel.fix, branch="topic")
    (oid,) = report.commits
    commit = kernel.tree.commit(kernel.tree.resolve("topic").oid)
    assert commit.oid == oid
    assert commit.author == AUTHOR
    assert commit.committer == Signature(ME.name, ME.email, 1_400_000_000, 0)
    assert commit.message.split(b"\n")[:4] == [b"mm: leave room", b"", f"commit {kernel.fix} upstream.".encode(), b""]
    assert report.next_command == "git log -p --reverse target..topic"


def test_an_existing_branch_is_told_before_the_work(kernel):
    kernel.run(kernel.fix, branch="topic")
    before = kernel.refs()
    with pytest.raises(KpatchError) as caught:
        kernel.run(kernel.fix, branch="topic")
    assert (caught.value.code, kernel.refs()) == ("branch-exists", before)


def test_mails_are_what_git_am_takes(kernel, tmp_path):
    report = kernel.run(kernel.fix, out=tmp_path / "out")
    (name,) = report.files
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "--quiet", str(kernel.tree.path), str(work)], check=True, capture_output=True)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(work), "checkout", "--quiet", "target"], check=True, capture_output=True)
    subprocess.run(["git", "-C", str(work), *who, "am", "--quiet", name], check=True, capture_output=True)
    assert (work / FILE).read_text() == "/* more */\n" + FIXED
    author = subprocess.run(["git", "-C", str(work), "log", "-1", "--format=%an %at"], capture_output=True, text=True)
    assert author.stdout.strip() == f"An Author {AUTHOR.when}"


def test_a_dry_run_executes_and_writes_nothing(kernel, tmp_path):
    before = kernel.refs()
    report = kernel.run(kernel.fix, dry_run=True, branch="topic", out=tmp_path / "out")
    assert report.answer.plan == ("mm/pool.c: merge (1 hunks)",)
    assert (report.answer.checks, kernel.refs(), (tmp_path / "out").exists()) == ((), before, False)


def test_a_patch_without_date_gets_the_moment_of_the_run(kernel):
    patch = parse_patch(
        b"From: A B <a@example.org>\nSubject: [PATCH] mm: leave room\n\nBecause.\n---\n"
        + format_patch(patch_of_commit(kernel.tree, kernel.fix)).partition(b"---\n")[2]
    )
    report = kernel.run(patch, branch="topic")
    commit = kernel.tree.commit(report.commits[0])
    assert (commit.author.name, commit.author.when) == ("A B", 1_400_000_000)


def test_a_mail_of_a_commit_that_is_here_is_that_commit(kernel):
    patch = parse_patch(format_patch(patch_of_commit(kernel.tree, kernel.fix)))
    report = kernel.run(patch, target="upstream")
    assert report.outcome is Outcome.ALREADY_PRESENT
    assert "ancestor" in {one.id for one in report.answer.evidence}


def test_a_partial_write_is_an_error_of_its_own(kernel, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KpatchError) as caught:
        kernel.run(kernel.fix, out=tmp_path / "file")
    assert caught.value.code == "cannot-write"


@pytest.mark.parametrize("subject", ["no-such-thing", "pagetable_reserv"])
def test_an_unknown_subject_names_the_hooks(kernel, subject):
    with pytest.raises(KpatchError) as caught:
        kernel.run(subject)
    assert caught.value.code == "unknown-revision"
    assert "pagetable_reserve" in caught.value.hint


def test_the_json_form_has_the_contracts_fields(kernel):
    fields = fields_of_backport(kernel.run(kernel.fix))
    wanted = {"outcome", "reason", "evidence", "prerequisites", "followups", "hunks", "checks", "model"}
    assert wanted <= set(fields)
    assert fields["hunks"] == [
        {"file": FILE, "hunk": 1, "class": "EXACT", "line": 5, "why": "context and lines as upstream"}
    ]


def test_modes_come_along(kernel, tmp_path):
    script = kernel.tree.write(
        base=kernel.fix,
        changes={RepoPath("scripts/x"): b"#!/bin/sh\n"},
        modes={RepoPath("scripts/x"): 0o100755},
        message=b"scripts: x\n",
        author=AUTHOR,
        committer=AUTHOR,
    )
    report = kernel.run(script, branch="topic")
    assert kernel.tree.at(report.commits[0]).mode(RepoPath("scripts/x")) == 0o100755


def test_a_shallow_clone_says_what_it_cannot_know(kernel, tmp_path):
    shallow = tmp_path / "shallow.git"
    origin = Path(kernel.tree.path).as_uri()
    git = ["git", "clone", "--quiet", "--bare", "--depth", "1", "--branch", "target", origin, str(shallow)]
    subprocess.run(git, check=True, capture_output=True)
    patch = parse_patch(format_patch(patch_of_commit(kernel.tree, kernel.fix)))
    tree = KernelTree.open(shallow)
    report = backport(BackportRequest(target="target", subject=patch), tree, model=Silent())
    assert report.outcome is Outcome.BACKPORTED
    assert "history-missing" in {one.id for one in report.answer.evidence}


def test_a_commit_that_changes_nothing_is_bad_input(kernel):
    empty = kernel.tree.write(base=kernel.fix, changes={}, message=b"nothing\n", author=AUTHOR, committer=AUTHOR)
    with pytest.raises(KpatchError) as caught:
        kernel.run(empty)
    assert caught.value.code == "empty-change"


def test_a_file_that_the_target_lacks_is_named(kernel):
    bare = kernel.tree.write(
        base=kernel.base, changes={RepoPath(FILE): None}, message=b"x\n", author=AUTHOR, committer=AUTHOR
    )
    report = kernel.run(kernel.fix, target=bare)
    assert (report.outcome, report.exit) == (Outcome.CONFLICT, Exit.PERSON)
    assert f"{FILE} (the target has no such file)" in report.answer.reason
