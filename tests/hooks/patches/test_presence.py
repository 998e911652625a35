from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import (
    Generated,
    HookPart,
    HookSpec,
    Need,
    PresenceState,
    Refusal,
    generate_hook,
    load_hook,
    probe_presence,
    remove_hook,
)

Tree = Callable[..., BlobSource]

CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")
TABLE_HEADER = RepoPath("arch/x86/include/asm/x86_init.h")


@pytest.fixture
def spec() -> HookSpec:
    return load_hook("pagetable_reserve")


@pytest.fixture
def hooked(pagetable_tree: Tree, spec: HookSpec) -> Overlay:
    """The small tree with the hook."""
    bare = pagetable_tree()
    hook = generate_hook(bare, spec)
    assert isinstance(hook, Generated)
    return Overlay(bare, hook.changes)


def changed(tree: BlobSource, path: RepoPath, old: str, new: str) -> Overlay:
    data = (tree.read(path) or b"").decode()
    assert old in data
    return Overlay(tree, {path: data.replace(old, new).encode()})


def test_absent_then_present(pagetable_tree: Tree, hooked: Overlay, spec: HookSpec) -> None:
    absent, present = probe_presence(pagetable_tree(), spec), probe_presence(hooked, spec)
    assert absent.state is PresenceState.ABSENT
    assert [part.name for part in absent.missing] == list(HookPart)
    assert present.state is PresenceState.PRESENT
    assert not present.missing
    assert all(part.where is not None for part in present.parts)


def test_each_file_counts(pagetable_tree: Tree, hooked: Overlay, spec: HookSpec) -> None:
    bare = pagetable_tree()
    for path in hooked.changes:
        presence = probe_presence(Overlay(hooked, {path: bare.read(path)}), spec)
        assert presence.state is PresenceState.PARTIAL, path
        assert {part.file for part in presence.missing} == {path}


@pytest.mark.parametrize(
    ("path", "old", "new", "part"),
    [
        (OVERRIDE, "= xen_mapping_pagetable_reserve;", "= other;", HookPart.ASSIGNMENT),
        (OVERRIDE, "xen_mapping_pagetable_reserve(u64", "other(u64", HookPart.OVERRIDE),
        (OVERRIDE, "while (end < top)", "while (end < top - PAGE_SIZE)", HookPart.OVERRIDE),
        (OVERRIDE, "while (end < top)", "while (start < top)", HookPart.OVERRIDE),
        (OVERRIDE, "while (end < top)", "if (end < top)", HookPart.OVERRIDE),
        (OVERRIDE, "u64 top = PFN_PHYS(pgt_buf_top)", "u64 top = PFN_PHYS(pgt_buf_end)", HookPart.OVERRIDE),
        (OVERRIDE, "\tnative_pagetable_reserve(start, end);", "\tend = start;", HookPart.OVERRIDE),
        (
            OVERRIDE,
            "native_pagetable_reserve(start, end);",
            "native_pagetable_reserve(start, start);",
            HookPart.OVERRIDE,
        ),
        (CALLER, 'memblock_x86_reserve_range(start, end, "PGTABLE");', "", HookPart.DEFAULT),
        (
            CALLER,
            "x86_init.mapping.pagetable_reserve(",
            "/* x86_init.mapping.pagetable_reserve */ other(",
            HookPart.CALL,
        ),
        (TABLE_HEADER, "\tstruct x86_init_mapping\t\tmapping;\n", "", HookPart.DECLARATION),
        (
            TABLE_HEADER,
            "void (*pagetable_reserve)(u64 start, u64 end);",
            "int pagetable_reserve;",
            HookPart.DECLARATION,
        ),
        (
            TABLE_HEADER,
            "void (*pagetable_reserve)(u64 start, u64 end);",
            "void (*pagetable_reserve)(u32 start, u64 end);",
            HookPart.DECLARATION,
        ),
    ],
)
def test_damage_is_seen(hooked: Overlay, spec: HookSpec, path: RepoPath, old: str, new: str, part: HookPart) -> None:
    presence = probe_presence(changed(hooked, path, old, new), spec)
    assert presence.state is PresenceState.PARTIAL
    assert part in {one.name for one in presence.missing}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\tx86_init.mapping.pagetable_reserve = x", "#if 0\n\tx86_init.mapping.pagetable_reserve = x"),
        ("\tx86_init.mapping.pagetable_reserve = x", "#ifdef CONFIG_X86_32\n\tx86_init.mapping.pagetable_reserve = x"),
    ],
)
def test_an_assignment_that_is_never_compiled(hooked: Overlay, spec: HookSpec, old: str, new: str) -> None:
    tree = changed(hooked, OVERRIDE, old, new)
    tree = changed(tree, OVERRIDE, "= xen_mapping_pagetable_reserve;\n", "= xen_mapping_pagetable_reserve;\n#endif\n")
    assert [one.name for one in probe_presence(tree, spec).missing] == [HookPart.ASSIGNMENT]


def test_an_assignment_that_is_taken_back(hooked: Overlay, spec: HookSpec) -> None:
    again = "= xen_mapping_pagetable_reserve;\n\tx86_init.mapping.pagetable_reserve = native_pagetable_reserve;\n"
    tree = changed(hooked, OVERRIDE, "= xen_mapping_pagetable_reserve;\n", again)
    (part,) = probe_presence(tree, spec).missing
    assert part.name is HookPart.ASSIGNMENT
    assert part.note == "the slot is set to native_pagetable_reserve, not to xen_mapping_pagetable_reserve"


def test_other_spellings_are_present(hooked: Overlay, spec: HookSpec) -> None:
    tree = changed(hooked, OVERRIDE, "= xen_mapping_pagetable_reserve;", "= &xen_mapping_pagetable_reserve;")
    tree = changed(tree, OVERRIDE, "while (end < top)", "while (PFN_PHYS(pgt_buf_top) > end)")
    assert probe_presence(tree, spec).state is PresenceState.PRESENT


def test_not_generated_where_something_of_it_is_there(hooked: Overlay, spec: HookSpec) -> None:
    for tree in (hooked, changed(hooked, OVERRIDE, "= xen_mapping_pagetable_reserve;", "= other;")):
        hook = generate_hook(tree, spec)
        assert isinstance(hook, Refusal)
        assert hook.lacks[0].need is Need.ABSENCE


def test_removal_undoes_generation(pagetable_tree: Tree, hooked: Overlay, spec: HookSpec) -> None:
    bare, removed = pagetable_tree(), remove_hook(hooked, spec)
    assert removed is not None
    assert set(removed) == set(hooked.changes)
    for path, data in removed.items():
        if path != CALLER:
            assert data == bare.read(path)
    call = b'\t\tmemblock_x86_reserve_range(PFN_PHYS(pgt_buf_start),\n\t\t\t\tPFN_PHYS(pgt_buf_end), "PGTABLE");\n'
    assert call in removed[CALLER]
    assert b"native_pagetable_reserve" not in removed[CALLER]
    assert b"undoes that here" not in removed[CALLER]


def test_removal_keeps_a_sub_table_with_another_slot(hooked: Overlay, spec: HookSpec) -> None:
    slot = "\tvoid (*pagetable_reserve)(u64 start, u64 end);\n"
    removed = remove_hook(changed(hooked, TABLE_HEADER, slot, slot + "\tvoid (*other)(void);\n"), spec)
    assert removed is not None
    assert b"struct x86_init_mapping\t\tmapping;" in removed[TABLE_HEADER]
    assert b"void (*other)(void);" in removed[TABLE_HEADER]
    assert b"(*pagetable_reserve)" not in removed[TABLE_HEADER]


def test_removal_computes_a_size(pagetable_tree: Tree, spec: HookSpec) -> None:
    old = 'memblock_x86_reserve_range(pgt_buf_start << PAGE_SHIFT,\n\t\t\t\tpgt_buf_end << PAGE_SHIFT, "PGTABLE");'
    new = "memblock_reserve(pgt_buf_start << PAGE_SHIFT,\n\t\t\t(pgt_buf_end - pgt_buf_start) << PAGE_SHIFT);"
    bare = pagetable_tree((CALLER, old, new))
    hook = generate_hook(bare, spec)
    assert isinstance(hook, Generated)
    removed = remove_hook(Overlay(bare, hook.changes), spec)
    assert removed is not None
    assert b"PFN_PHYS(pgt_buf_end) - PFN_PHYS(pgt_buf_start));" in removed[CALLER]


def test_nothing_to_remove_and_no_way_to(pagetable_tree: Tree, hooked: Overlay, spec: HookSpec) -> None:
    assert remove_hook(pagetable_tree(), spec) is None
    two_calls = changed(hooked, CALLER, '"PGTABLE");\n}', '"PGTABLE");\n\tprintk("");\n}')
    assert remove_hook(two_calls, spec) is None


RESERVE = 'memblock_x86_reserve_range(pgt_buf_start << PAGE_SHIFT,\n\t\t\t\tpgt_buf_end << PAGE_SHIFT, "PGTABLE");'


@pytest.mark.parametrize(
    "other",
    [
        RESERVE.replace("pgt_buf_end <<", "(pgt_buf_end + 1) <<"),
        RESERVE.replace("pgt_buf_end << PAGE_SHIFT", "min(pgt_buf_end, limit) << PAGE_SHIFT"),
        RESERVE.replace("pgt_buf_start <<", "~pgt_buf_start <<"),
        f"{RESERVE}\n\tif (pgt_buf_end > pgt_buf_start)\n\t\t{RESERVE}",
    ],
    ids=["one more page", "a limit", "another value", "twice"],
)
def test_a_reserve_call_that_is_not_just_the_range_is_not_replaced(
    pagetable_tree: Tree, spec: HookSpec, other: str
) -> None:
    refused = generate_hook(pagetable_tree((CALLER, RESERVE, other)), spec)
    assert isinstance(refused, Refusal)
    assert Need.SITE in {lack.need for lack in refused.lacks}


def test_the_assignment_never_lands_under_a_condition(pagetable_tree: Tree, spec: HookSpec) -> None:
    line = "\tx86_init.paging.pagetable_init = "
    made = generate_hook(pagetable_tree((OVERRIDE, line, f"\tif (xen_pv_domain())\n\t{line}")), spec)
    assert isinstance(made, Refusal)
    assert {lack.need for lack in made.lacks} == {Need.INSTALLER}
