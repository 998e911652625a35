"""Several changes and versions: each by itself, and as a series."""

import subprocess
from dataclasses import dataclass

import pygit2
import pytest
from kpatch_tools.app.backport import BackportRequest
from kpatch_tools.app.backport_many import backport_matrix, backport_series
from kpatch_tools.app.backport_writing import Places
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.ranges import commits_of_range
from kpatch_tools.backport import ModelResult
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

KERNEL = {"Makefile": "VERSION = 2\nPATCHLEVEL = 6\n", "include/linux/k.h": "#define K\n", "arch/x86/Kconfig": "\n"}
TEXT = "".join(f"void step_{number}(void);\n" for number in range(30)) + "void all(void)\n{\n"
TEXT += "".join(f"\tstep_{number}();\n" for number in range(30)) + "}\n"
AUTHOR = Signature("An Author", "author@example.org", 1_300_000_000)
ME = Signature("Me Myself", "me@example.org")


class Silent:
    def concerns(self, paths):
        return False

    def run(self, source, *, first=(), until_fault=False):
        return ModelResult()


@dataclass(frozen=True)
class Kernel:
    """`one` and `two` change the same line, one after the other."""

    tree: KernelTree
    one: str
    two: str

    def request(self, **wishes):
        return BackportRequest(target="", identity=ME, when=1_400_000_000, **wishes)

    @property
    def subjects(self):
        return tuple((oid, oid) for oid in (self.one, self.two))

    def matrix(self, *targets):
        return backport_matrix(self.request(), self.subjects, targets, self.tree, model=Silent())

    def series(self, *targets, subjects=None, **places):
        wanted = subjects or self.subjects
        return backport_series(self.request(), wanted, targets, self.tree, Places(**places), model=Silent())

    def files(self):
        return sorted(path for path in self.tree.path.rglob("*") if path.is_file())


@pytest.fixture
def kernel(tmp_path) -> Kernel:
    repository = pygit2.init_repository(str(tmp_path / "kernel.git"), bare=True)
    tree = KernelTree.open(tmp_path / "kernel.git")

    def commit(base, files, message, tag):
        changes = {RepoPath(path): text.encode() for path, text in files.items()}
        oid = tree.write(base=base, changes=changes, message=message.encode(), author=AUTHOR, committer=AUTHOR)
        repository.create_reference(f"refs/tags/{tag}", oid)
        return oid

    base = commit(tree.empty_tree(), {**KERNEL, "mm/a.c": TEXT}, "mm: all\n", "base")
    one = commit(base, {"mm/a.c": TEXT.replace("step_9()", "step_19()")}, "mm: one\n", "one")
    two = commit(one, {"mm/a.c": TEXT.replace("step_9()", "step_29()")}, "mm: two\n", "two")
    commit(base, {"mm/a.c": "/* more */\n" + TEXT}, "more\n", "target")
    commit(base, {"mm/a.c": TEXT.replace("step_9()", "step_5()")}, "walk\n", "walk")
    return Kernel(tree, one, two)


def test_each_by_itself_needs_what_comes_before_it(kernel):
    report = kernel.matrix("target", "one", "nowhere")
    outcomes = [cell.report.outcome.value if cell.report else cell.error.code for cell in report.cells]
    assert outcomes[0] == "backported"
    assert outcomes[1] in ("conflict", "needs-prerequisite")
    assert outcomes[2:] == ["already-present", "backported", "unknown-revision", "unknown-revision"]
    assert [cell.target for cell in report.cells] == ["target", "target", "one", "one", "nowhere", "nowhere"]
    assert report.exit is Exit.BAD_INPUT


def test_later_ones_of_a_series_see_the_earlier_ones_and_nothing_is_written(kernel):
    before = kernel.files()
    report = kernel.series("target")
    assert [cell.report.outcome.value for cell in report.cells] == ["backported", "backported"]
    assert (report.exit, report.commits, kernel.files()) == (Exit.DONE, (), before)


def test_a_series_becomes_one_branch_and_numbered_mails(kernel, tmp_path):
    report = kernel.series("target", branch="topic", out=tmp_path / "out")
    tip = kernel.tree.commit(kernel.tree.resolve("topic").oid)
    assert (tip.oid, tip.subject, tip.author) == (report.commits[-1], "mm: two", AUTHOR)
    assert tip.parents == report.commits[:1]
    assert kernel.tree.commit(report.commits[0]).parents == (kernel.tree.resolve("target").oid,)
    assert (kernel.tree.at(tip.oid).read("mm/a.c") or b"").count(b"step_29()") == 2
    assert b"[PATCH 2.6 2/2] mm: two" in report.patches[1].data
    work = tmp_path / "work"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "clone", "-q", str(kernel.tree.path), str(work)], check=True, capture_output=True)
    subprocess.run([*git, "-C", str(work), "checkout", "-q", "target"], check=True, capture_output=True)
    subprocess.run([*git, "-C", str(work), "am", "-q", *report.files], check=True, capture_output=True)
    assert (work / "mm" / "a.c").read_text().count("step_29()") == 2


def test_a_series_that_does_not_go_on_as_a_whole_is_not_written(kernel, tmp_path):
    before = kernel.files()
    report = kernel.series("walk", branch="topic", out=tmp_path / "out")
    assert report.exit is Exit.PERSON
    assert (kernel.files(), (tmp_path / "out").exists(), report.branch) == (before, False, None)


def test_what_is_there_already_is_passed_over(kernel):
    report = kernel.series("one", branch="topic")
    assert [cell.report.outcome.value for cell in report.cells] == ["already-present", "backported"]
    assert len(report.commits) == 1


def test_a_range_is_in_order_and_without_merges(kernel):
    assert [commit.oid for commit in commits_of_range(kernel.tree, "base..two")] == [kernel.one, kernel.two]
    for spelled, code in (("two..base", "empty-range"), ("base...two", "bad-range"), ("base..x", "unknown-revision")):
        with pytest.raises(KpatchError) as refusal:
            commits_of_range(kernel.tree, spelled)
        assert refusal.value.code == code
