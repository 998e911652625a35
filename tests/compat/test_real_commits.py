"""Real commits, in the real repository, against C git. Nothing of them is kept."""

import random

import pytest
from kpatch_tools.patch import apply_patch, format_diff, format_patch, parse_patch, patch_id, patch_of_commit
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real
COUNT = 250


@pytest.fixture(scope="module")
def tree(linux) -> KernelTree:
    return KernelTree.open(linux.folder)


@pytest.fixture(scope="module")
def commits(linux) -> list[str]:
    return random.Random(7).sample(linux("rev-list", "--no-merges", "v2.6.36..v3.1").decode().split(), COUNT)


def test_diffs_ids_and_mails_are_gits(linux, tree, commits):
    for oid in commits:
        patch = patch_of_commit(tree, oid)
        diff = linux("diff-tree", "-p", "--no-commit-id", "--no-renames", oid)
        assert format_diff(patch.files) == diff, oid
        if not diff:
            continue
        assert linux("patch-id", "--stable", data=diff).split()[0].decode() == patch_id(patch.files), oid
        mail = linux("format-patch", "-1", "--stdout", "--no-renames", oid)
        if any(file.binary for file in patch.files):
            continue  # git tells the sizes of binary files in the diffstat
        assert format_patch(patch, signature=linux.version) == mail, oid
        parsed = parse_patch(mail)
        assert format_diff(parsed.files) == diff, oid
        result = apply_patch(parsed.files, tree.at(tree.commit(oid).parents[0]))
        assert result.rejects == (), oid
        after = tree.at(oid)
        assert all(after.read(path) == data for path, data in result.changes.items()), oid


def test_the_verdict_on_another_release_is_git_apply_s(linux, tree, commits, tmp_path):
    """Each commit onto an older and a newer release, judged by `git apply --cached` on an index of its own."""
    clean = refused = 0
    for name in ("v2.6.32", "v3.1"):
        index = str(tmp_path / name)
        alternate = linux.with_index(index)
        alternate("read-tree", name)
        target = tree.at(name)
        for oid in commits[:150]:
            patch = patch_of_commit(tree, oid)
            if not patch.files or any(file.binary for file in patch.files):
                continue
            result = apply_patch(patch.files, target)
            accepted = alternate.succeeds("apply", "--check", "--cached", "-", data=format_diff(patch.files))
            assert accepted == (not result.rejects), (oid, name)
            clean += accepted
            refused += not accepted
    assert clean > 20
    assert refused > 20


@pytest.mark.parametrize("path", ["arch/x86/mm/init.c", "arch/x86/xen", "drivers/usb"])
def test_walks_by_path_are_git_logs(linux, tree, path):
    """Our walk keeps commits that differ from every parent: git's full history of non-merges, and evil merges."""
    include, exclude = tree.resolve("v2.6.39").oid, tree.resolve("v2.6.38").oid
    found = {commit.oid: commit for commit in tree.walk(include=[include], exclude=[exclude], paths=[path])}
    plain = {oid for oid, commit in found.items() if len(commit.parents) < 2}
    theirs = linux("rev-list", "--full-history", "--no-merges", "v2.6.38..v2.6.39", "--", path).decode().split()
    assert plain == set(theirs)
    simplified = linux("rev-list", "--no-merges", "v2.6.38..v2.6.39", "--", path).decode().split()
    assert set(simplified) <= set(found)


def test_search_is_git_grep(linux, tree):
    found = tree.at("v2.6.39").search(b"x86_init", "arch/x86", "drivers", suffixes=(".c", ".h"))
    theirs = linux("grep", "-l", "x86_init", "v2.6.39", "--", "arch/x86", "drivers").decode().split()
    names = {row.removeprefix("v2.6.39:") for row in theirs}
    assert {path for path, _ in found.hits} == {name for name in names if name.endswith((".c", ".h"))}
