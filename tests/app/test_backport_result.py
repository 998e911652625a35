"""The result as a maintainer wants it: message, mails, comparison, and what is left of a conflict."""

import subprocess
from dataclasses import dataclass

import pygit2
import pytest
from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.backport_conflict import find_left, mark_conflicts
from kpatch_tools.app.backport_message import Wording, kernel_version, last_message
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.backport import Change, HunkResult, ModelResult
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import diff_sources
from kpatch_tools.patch.compare import compare_edits
from kpatch_tools.tree import KernelTree, Signature

KERNEL = {
    "Makefile": "VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 39\nEXTRAVERSION = -rc3\n",
    "include/linux/kernel.h": "#define K\n",
    "arch/x86/Kconfig": "config X86\n",
}
LINES = [f"\tstep_{number}(pool, size + {number});" for number in range(60)]
TEXT = "\n".join(["void all(void)", "{", *LINES, "}", ""])
AUTHOR = Signature("An Author", "author@example.org", 1_300_000_000, 60)
ME = Signature("Me Myself", "me@example.org")
MESSAGE = "mm: two steps\n\nBecause.\n\nSigned-off-by: An Author <author@example.org>\n"


class Silent:
    def concerns(self, paths):
        return False

    def run(self, source, *, first=(), until_fault=False):
        return ModelResult()


@dataclass(frozen=True)
class Kernel:
    tree: KernelTree
    fix: str

    def run(self, target, **wishes):
        request = BackportRequest(target=target, subject=self.fix, **{"identity": ME, "when": 1_400_000_000, **wishes})
        return backport(request, self.tree, model=Silent())

    def message(self, branch):
        return self.tree.commit(self.tree.resolve(branch).oid).message.decode()


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
    changed = TEXT.replace("size + 10)", "size + 11)").replace("size + 50)", "size + 51)")
    fix = commit(base, {"mm/a.c": changed}, MESSAGE, "fix")
    commit(base, {"mm/a.c": "/* more */\n" + TEXT}, "more\n", "target")
    commit(base, {"mm/a.c": TEXT.replace("step_50(pool, size + 50)", "leap(size)")}, "leap\n", "leap")
    return Kernel(tree, fix)


@pytest.mark.parametrize(
    ("reference", "line"), [("commit", "commit {} upstream."), ("bracket", "[ Upstream commit {} ]"), ("none", None)]
)
def test_the_line_that_names_upstream_is_a_choice(kernel, reference, line):
    kernel.run("target", branch="topic", wording=Wording(reference))
    rows = kernel.message("topic").split("\n")
    assert (rows[2] == line.format(kernel.fix)) if line else (rows[2] == "Because.")


def test_a_sign_off_is_the_users_own_and_only_if_asked_for(kernel):
    kernel.run("target", branch="without")
    kernel.run("target", branch="with", wording=Wording(signoff=True))
    assert "Me Myself" not in kernel.message("without")
    assert kernel.message("with") == kernel.message("without") + "Signed-off-by: Me Myself <me@example.org>\n"


def test_mails_name_the_version_and_git_am_takes_them(kernel, tmp_path):
    report = kernel.run("target", out=tmp_path / "out", wording=Wording(signoff=True))
    assert b"\nSubject: [PATCH 2.6.39-rc3] mm: two steps\n" in report.patches[0].data
    other = kernel.run("target", mails=True, wording=Wording(prefix="PATCH stable"))
    assert b"\nSubject: [PATCH stable] mm: two steps\n" in other.patches[0].data
    work = tmp_path / "work"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "clone", "-q", str(kernel.tree.path), str(work)], check=True, capture_output=True)
    subprocess.run([*git, "-C", str(work), "checkout", "-q", "target"], check=True, capture_output=True)
    subprocess.run([*git, "-C", str(work), "am", "-q", *report.files], check=True, capture_output=True)
    said = subprocess.run([*git, "-C", str(work), "log", "-1", "--format=%B"], capture_output=True, text=True).stdout
    assert said.rstrip() == report.answer.parts[0].message.decode().rstrip()


def hunk(kind, number=2, why="the function is absent here"):
    return HunkResult(RepoPath("mm/a.c"), number, kind, why)


def test_the_note_says_what_was_really_done():
    message = MESSAGE.encode()
    exact = hunk(HunkClass.EXACT)
    assert last_message(message, [exact], Wording(), ME) == message
    noted = last_message(message, [exact, hunk(HunkClass.DROPPED)], Wording(signoff=True), ME)
    note = b"[Me Myself: dropped hunk 2 of mm/a.c: the function is absent here]\n"
    assert noted == message + note + b"Signed-off-by: Me Myself <me@example.org>\n"
    assert b"Me Myself" not in last_message(message, [hunk(HunkClass.DROPPED)], Wording(note=False), ME)
    merged = last_message(b"mm: x\n\nBecause.\n", [hunk(HunkClass.MERGED)], Wording(), ME)
    assert merged == b"mm: x\n\nBecause.\n\n[Me Myself: adjusted context in mm/a.c]\n"
    many = last_message(message, [hunk(HunkClass.ADAPTED, number) for number in range(9)], Wording(), ME)
    assert many.endswith(b"; and 3 more]\n")


def test_a_sign_off_that_is_there_is_not_doubled():
    signed = b"mm: x\n\nSigned-off-by: Me Myself <me@example.org>\n"
    assert last_message(signed, [], Wording(signoff=True), ME) == signed


@pytest.mark.parametrize(
    ("makefile", "version"), [(b"", ""), (b"all:\n", ""), (b"VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 7\n", "6.1.7")]
)
def test_the_version_is_read_from_the_makefile(makefile, version):
    assert kernel_version(makefile) == version


def test_a_conflict_leaves_rejects_that_patch_takes(kernel, tmp_path):
    report = kernel.run("leap", rejects=tmp_path / "left")
    assert report.rejects == (str(tmp_path / "left" / "mm" / "a.c.rej"),)
    reject = (tmp_path / "left" / "mm" / "a.c.rej").read_text()
    assert reject.count("@@ -") == 1
    assert "+\tstep_50(pool, size + 51);" in reject
    assert "size + 11" not in reject
    (tmp_path / "a.c").write_text(TEXT)
    subprocess.run(["patch", "-s", "a.c", report.rejects[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "a.c").read_text() == TEXT.replace("size + 50)", "size + 51)")


def test_a_conflict_branch_has_what_could_be_done_and_names_both_sides(kernel):
    report = kernel.run("leap", conflict_branch="to-do")
    target = kernel.tree.resolve("leap").oid
    commit = kernel.tree.commit(kernel.tree.resolve("to-do").oid)
    text = (kernel.tree.at(commit.oid).read("mm/a.c") or b"").decode()
    assert commit.parents == (target,)
    assert (commit.author, commit.committer.name) == (AUTHOR, ME.name)
    assert "size + 11)" in text
    start, middle, end = (text.index(mark) for mark in ("<<<<<<< ", "\n=======\n", ">>>>>>> "))
    assert "leap(size)" in text[start:middle]
    assert "size + 51)" in text[middle:end]
    assert text[start:].startswith(f"<<<<<<< {target[:12]} (target)\n")
    assert f">>>>>>> {kernel.fix[:12]} (mm: two steps), hunk 2: NEEDS-HUMAN: " in text
    assert "Conflicts:\n\tmm/a.c hunk 2: NEEDS-HUMAN: " in kernel.message("to-do")
    assert fields_of_backport(report)["conflict_branch"] == "to-do"
    assert report.next_command == "git switch to-do"


def test_neither_is_written_where_it_was_not_asked_for_or_is_not_needed(kernel, tmp_path):
    before = pygit2.Repository(str(kernel.tree.path)).listall_references()
    kernel.run("leap")
    kernel.run("leap", conflict_branch="x", rejects=tmp_path / "left", dry_run=True)
    kernel.run("target", conflict_branch="x", rejects=tmp_path / "left")
    assert pygit2.Repository(str(kernel.tree.path)).listall_references() == before
    assert not (tmp_path / "left").exists()


def test_an_existing_conflict_branch_is_told_before_the_work(kernel):
    kernel.run("leap", conflict_branch="to-do")
    with pytest.raises(KpatchError) as refusal:
        kernel.run("leap", conflict_branch="to-do")
    assert refusal.value.code == "branch-exists"


def test_the_comparison_tells_equal_moved_and_differing_lines(sources):
    old = sources({"a.c": "1\n2\n3\n", "b.c": "1\n"})
    upstream = diff_sources(old, {"a.c": b"1\nx\ny\nz\n3\n"})
    result = diff_sources(old, {"a.c": b"1\nx\nw\n3\n", "b.c": b"1\ny\n"})
    a, b = compare_edits(upstream, result, {})
    assert (a.path, a.equal, a.moved, a.missing, a.extra) == ("a.c", 2, 1, (("+", b"z"),), (("+", b"w"),))
    assert (b.path, b.equal, b.moved, b.missing, b.extra) == ("b.c", 0, 0, (), ())


def test_a_clean_result_compares_equal(kernel):
    (row,) = kernel.run("target", compare=True).comparison
    assert (row.equal, row.moved, row.missing, row.extra) == (4, 0, (), ())


def test_a_conflict_holds_no_more_of_upstream_than_the_change(kernel, sources):
    """Upstream's file has a function more around the change, which the target lacks."""
    head = "".join(f"int head_{number};\n" for number in range(30))
    body = "".join(f"\tdo_{number}();\n" for number in range(60))
    old = head + "void f(void)\n{\n" + body + "}\n"
    new = old.replace("do_30", "do_31")
    files = diff_sources(sources({"a.c": old}), {"a.c": new.encode()})
    change = Change("mm: x", b"", files, None, sources({"a.c": old}), sources({"a.c": new}))
    target = sources({"a.c": "/* more */\n" + head + "int tail;\n"})
    left = find_left(change, (HunkResult(RepoPath("a.c"), 1, HunkClass.NEEDS_HUMAN, "it is absent"),), {})
    text = (mark_conflicts(change, left, target, {}, "1" * 40)["a.c"] or b"").decode()
    assert "do_31();" in text
    assert "do_20();" not in text
    kept = text[: text.index("<<<<<<<")] + text[text.index(">>>>>>>") :].partition("\n")[2]
    assert kept == "/* more */\n" + head + "int tail;\n"
