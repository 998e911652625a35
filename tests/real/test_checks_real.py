"""The checks on a real hook patch: silent about what is right, and each seeded defect is named by the right check."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from kpatch_tools.app.checking import check_changes, check_commit
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import apply_patch, diff_sources
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

HOOK, FOLLOWUP, BEFORE_THE_HOOK = "279b706bf80", "53f8023febf", "v2.6.38"
TABLE_HEADER = RepoPath("arch/x86/include/asm/x86_init.h")
TABLE_FILE = RepoPath("arch/x86/kernel/x86_init.c")
PROTOTYPES = RepoPath("arch/x86/include/asm/pgtable_types.h")
CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")
DEFAULT = b"native_pagetable_reserve(u64 start, u64 end)"

Changes = dict[RepoPath, bytes | None]
Run = Callable[[Mapping[RepoPath, bytes | None]], set[tuple[str, str]]]


def fails(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    assert all(one.status is not Status.ERROR for one in findings)
    return (one for one in findings if one.status is Status.FAIL)


@pytest.fixture(scope="module")
def tree(linux_git: Path) -> KernelTree:
    return KernelTree.open(linux_git)


@pytest.fixture(scope="module")
def parent(tree: KernelTree) -> BlobSource:
    return tree.at(tree.commit(tree.resolve(HOOK).oid).parents[0])


@pytest.fixture
def whole(tree: KernelTree) -> Changes:
    """The hook with its follow-up: what is right."""
    after = tree.at(tree.resolve(HOOK).oid)
    changes: Changes = {path: after.read(path) for path in (TABLE_HEADER, TABLE_FILE, PROTOTYPES, CALLER, OVERRIDE)}
    return edited(changes, CALLER, b"void " + DEFAULT + b"\n{", b"void __init " + DEFAULT + b"\n{")


@pytest.fixture
def run(tree: KernelTree, parent: BlobSource) -> Run:
    """The ids of the checks that fail, with the last part of the file they point to."""

    def check(changes: Mapping[RepoPath, bytes | None]) -> set[tuple[str, str]]:
        found = fails(check_changes(tree, parent, changes, b"x86: a hook\n"))
        return {(one.id, (one.file or "").rpartition("/")[2]) for one in found}

    return check


def edited(changes: Changes, path: RepoPath, old: bytes, new: bytes) -> Changes:
    text = changes[path] or b""
    assert text.count(old) == 1
    return {**changes, path: text.replace(old, new)}


def test_the_whole_hook_with_its_follow_up_fails_nothing(run: Run, whole: Changes) -> None:
    assert run(whole) == set()


def test_the_hook_alone_fails_its_real_bug_and_nothing_else(tree: KernelTree) -> None:
    (found,) = fails(check_commit(tree, tree.resolve(HOOK).oid))
    assert (found.id, found.file) == ("section-mismatch", CALLER)
    assert found.message.startswith("native_pagetable_reserve (no annotation) calls ")


def test_the_follow_up_is_silent(tree: KernelTree) -> None:
    assert not list(fails(check_commit(tree, tree.resolve(FOLLOWUP).oid)))


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [
        (TABLE_HEADER, ("slot-declared", "init.c")),
        (TABLE_FILE, ("slot-default", "init.c")),
        (PROTOTYPES, ("identifier-declared", "x86_init.c")),
        (CALLER, ("slot-called", "x86_init.h")),
        (OVERRIDE, ("hook-complete", "mmu.c")),
    ],
)
def test_each_file_left_out_is_named(run: Run, whole: Changes, dropped: RepoPath, expected: tuple[str, str]) -> None:
    found = run({path: data for path, data in whole.items() if path != dropped})
    assert expected in found
    assert any(check == "hook-complete" for check, _ in found)


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        # The slot under another name in one place.
        (TABLE_HEADER, b"(*pagetable_reserve)", b"(*reserve_pagetable)", ("slot-declared", "init.c")),
        (TABLE_FILE, b".pagetable_reserve\t", b".reserve_pagetable\t", ("slot-default", "init.c")),
        (CALLER, b"mapping.pagetable_reserve(", b"mapping.reserve_pagetable(", ("slot-declared", "init.c")),
        (OVERRIDE, b"mapping.pagetable_reserve =", b"mapping.reserve_pagetable =", ("slot-declared", "mmu.c")),
        (OVERRIDE, b"x86_init.mapping.", b"x86_init.mappings.", ("slot-declared", "mmu.c")),
        # The default has another type than the slot.
        (CALLER, DEFAULT, b"native_pagetable_reserve(u64 start)", ("slot-signature", "init.c")),
        (PROTOTYPES, DEFAULT, b"native_pagetable_reserve(u64 start, int n)", ("slot-signature", "x86_init.c")),
        (TABLE_HEADER, b"_reserve)(u64 start, u64 end)", b"_reserve)(u64 start)", ("slot-signature", "x86_init.c")),
        # A name that nothing has.
        (
            OVERRIDE,
            b"make_lowmem_page_readwrite(__va(end))",
            b"make_page_rw(__va(end))",
            ("identifier-declared", "mmu.c"),
        ),
        (PROTOTYPES, b"native_pagetable_reserve", b"native_reserve", ("identifier-declared", "mmu.c")),
        # An annotation lost or wrong.
        (CALLER, b"void __init " + DEFAULT, b"void " + DEFAULT, ("section-mismatch", "init.c")),
        (CALLER, b"void __init " + DEFAULT, b"void __cpuinit " + DEFAULT, ("section-mismatch", "init.c")),
        (
            OVERRIDE,
            b"static __init void xen_mapping_pagetable_reserve",
            b"static void xen_mapping_pagetable_reserve",
            ("section-mismatch", "mmu.c"),
        ),
        # A brace lost.
        (OVERRIDE, b"\t\tend += PAGE_SIZE;\n\t}\n", b"\t\tend += PAGE_SIZE;\n", ("parse-damage", "mmu.c")),
    ],
)
def test_each_seeded_defect_is_named(
    run: Run, whole: Changes, path: RepoPath, old: bytes, new: bytes, expected: tuple[str, str]
) -> None:
    assert expected in run(edited(whole, path, old, new))


def test_the_annotation_may_stand_on_the_prototype_alone(run: Run, whole: Changes) -> None:
    moved = edited(whole, CALLER, b"void __init " + DEFAULT, b"void " + DEFAULT)
    assert run(edited(moved, PROTOTYPES, b"void " + DEFAULT, b"void __init " + DEFAULT)) == set()


def test_one_file_of_five_names_what_its_tree_lacks(tree: KernelTree, parent: BlobSource, whole: Changes) -> None:
    target = tree.at(tree.resolve(BEFORE_THE_HOOK).oid)
    part = apply_patch(diff_sources(parent, {OVERRIDE: whole[OVERRIDE]}), target)
    assert not part.rejects
    found = list(fails(check_changes(tree, target, part.changes, b"xen: setup the hook\n")))
    undeclared = {one.message.split()[0] for one in found if one.id == "identifier-declared"}
    assert {"native_pagetable_reserve", "pgt_buf_top"} <= undeclared
    assert any(one.message.startswith("x86_init.mapping") for one in found if one.id == "slot-declared")
    assert any(one.id == "hook-complete" for one in found)
