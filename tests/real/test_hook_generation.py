"""The page-table hook on real kernels: what is there, what it is for, and what is written for each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import (
    CauseState,
    Generated,
    HookSpec,
    Need,
    PresenceState,
    Refusal,
    complete_hook,
    generate_hook,
    load_hook,
    probe_cause,
    probe_features,
    probe_presence,
    remove_hook,
)
from kpatch_tools.patch import Patch, diff_sources
from kpatch_tools.syntax import ParsedFile, declared_name, descend, function_name, functions, name_of, parse_c
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

PARENT, HOOK, FOLLOWUP = "92bdaef7b2c", "279b706bf80", "53f8023febf"
TABLE_HEADER = RepoPath("arch/x86/include/asm/x86_init.h")
TABLE_FILE = RepoPath("arch/x86/kernel/x86_init.c")
PROTOTYPES = RepoPath("arch/x86/include/asm/pgtable_types.h")
CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")
FILES = (TABLE_HEADER, TABLE_FILE, PROTOTYPES, CALLER, OVERRIDE)

At = Callable[[str], BlobSource]


@pytest.fixture(scope="module")
def spec() -> HookSpec:
    return load_hook("pagetable_reserve")


@pytest.fixture(scope="module")
def at(linux_git: Path) -> At:
    tree = KernelTree.open(linux_git)
    return lambda revision: tree.at(revision)


def written(source: BlobSource, spec: HookSpec) -> dict[RepoPath, bytes]:
    hook = generate_hook(source, spec)
    assert isinstance(hook, Generated), hook
    return {path: data or b"" for path, data in hook.changes.items()}


def calls_of(parsed: ParsedFile) -> list[tuple[str | None, list[str], list[str]]]:
    """Each function with its annotations and the names it calls, in order."""
    out = []
    for function in functions(parsed):
        called = [
            " ".join((one.child_by_field_name("function") or one).text.decode().split())  # type: ignore[union-attr]
            for one in descend(function)
            if one.type == "call_expression"
        ]
        line = parsed.source.rfind(b"\n", 0, function.start_byte) + 1
        head = parsed.source[line : parsed.source.index(b"{", function.start_byte)].split()
        out.append((function_name(function), sorted(word.decode() for word in head if word.startswith(b"__")), called))
    return out


def test_same_effect_as_the_two_commits(at: At, spec: HookSpec) -> None:
    """The same functions with the same annotations make the same calls, in the same order; so with declarations."""
    changes, real = written(at(PARENT), spec), at(FOLLOWUP)
    assert set(changes) == set(FILES)
    for path in FILES:
        ours, theirs = parse_c(changes[path]), parse_c(real.read(path) or b"")
        # How often a limit is converted is no effect.
        assert without(calls_of(ours), "PFN_PHYS") == without(calls_of(theirs), "PFN_PHYS")
        assert names(ours, "field_declaration") == names(theirs, "field_declaration")
        assert names(ours, "declaration", inside_functions=False) == names(
            theirs, "declaration", inside_functions=False
        )
        assert designators(ours) == designators(theirs)


def without(rows: list[tuple[str | None, list[str], list[str]]], name: str) -> list[object]:
    return [(function, notes, [one for one in called if one != name]) for function, notes, called in rows]


def names(parsed: ParsedFile, kind: str, *, inside_functions: bool = True) -> list[str]:
    found = []
    for node in descend(parsed.root):
        if node.type != kind or (not inside_functions and _in_function(node)):
            continue
        for declarator in node.children_by_field_name("declarator"):
            name = declared_name(declarator)
            found.append(name_of(name) if name is not None else "")
    return found


def _in_function(node: object) -> bool:
    parent = node.parent  # type: ignore[attr-defined]
    while parent is not None:
        if parent.type == "function_definition":
            return True
        parent = parent.parent
    return False


def designators(parsed: ParsedFile) -> list[bytes]:
    return [b" ".join((one.text or b"").split()) for one in descend(parsed.root) if one.type == "initializer_pair"]


def test_split_is_the_two_commits_one_by_one(at: At, spec: HookSpec) -> None:
    hook = generate_hook(at(PARENT), spec, split=True)
    assert isinstance(hook, Generated)
    first, second = hook.steps
    assert set(first.changes) == set(FILES)
    assert set(second.changes) == {CALLER}
    assert b"\nvoid native_pagetable_reserve(" in first.changes[CALLER]
    assert b"\nvoid __init native_pagetable_reserve(" in second.changes[CALLER]


def test_names_of_another_release(at: At, spec: HookSpec) -> None:
    changes = written(at("v2.6.38"), spec)
    assert not any(b"pgt_buf" in data for data in changes.values())
    assert b"u64 top = PFN_PHYS(e820_table_top);" in changes[OVERRIDE]
    assert b'\tmemblock_x86_reserve_range(start, end, "PGTABLE");' in changes[CALLER]


@pytest.mark.parametrize("revision", ["tree-3.3.6", "tree-3.8.13"])
def test_size_where_the_target_takes_a_size(at: At, spec: HookSpec, revision: str) -> None:
    source = at(revision)
    removed = remove_hook(source, spec)
    assert removed is not None
    changes = written(Overlay(source, removed), spec)
    assert b"\tmemblock_reserve(start, end - start);" in changes[CALLER]


@pytest.mark.parametrize("revision", ["v2.6.32", "v2.6.36"])
def test_refused_where_nothing_is_read_only(at: At, spec: HookSpec, revision: str) -> None:
    hook = generate_hook(at(revision), spec)
    assert isinstance(hook, Refusal)
    text = "; ".join(lack.message for lack in hook.lacks)
    assert {lack.need for lack in hook.lacks} == {Need.PREMISE, Need.VISIBILITY}
    assert "mask_rw_pte() is left out there" in text
    assert "arch/x86/xen/mmu.c sees no declaration of e820_table_top" in text
    assert hook.features.reserve is not None
    assert hook.features.reserve.name == "reserve_early"


def test_refused_where_the_code_is_gone(at: At, spec: HookSpec) -> None:
    hook = generate_hook(at("tree-3.9.6"), spec)
    assert isinstance(hook, Refusal)
    assert [lack.need for lack in hook.lacks] == [Need.SITE]


@pytest.mark.parametrize(
    ("revision", "state"),
    [
        *((one, CauseState.ABSENT) for one in ("v2.6.32", "v2.6.36", "v2.6.37", "v2.6.38")),
        *((one, CauseState.PRESENT) for one in ("4b239f458c2", "v2.6.39-rc1", "v2.6.39-rc5", "v2.6.39-rc7", PARENT)),
        *((one, CauseState.PRESENT) for one in (HOOK, "v2.6.39", "v3.0")),
        *((one, CauseState.ABSENT) for one in ("v3.1", "tree-3.3.6", "tree-3.6.0", "tree-3.8.13")),
        ("tree-3.9.6", CauseState.SUPERSEDED),
        ("v2.6.20", CauseState.UNDETERMINED),
    ],
)
def test_cause(at: At, revision: str, state: CauseState) -> None:
    cause = probe_cause(at(revision))
    assert cause.state is state
    assert cause.reason
    assert cause.evidence or state is CauseState.UNDETERMINED


@pytest.mark.parametrize(
    ("revision", "state"),
    [
        *((one, PresenceState.ABSENT) for one in ("v2.6.32", "v2.6.38", "v2.6.39-rc6", PARENT, "tree-3.9.6")),
        *((one, PresenceState.PRESENT) for one in (HOOK, "v2.6.39", "v3.0", "v3.1", "tree-3.3.6", "tree-3.8.13")),
    ],
)
def test_presence(at: At, spec: HookSpec, revision: str, state: PresenceState) -> None:
    assert probe_presence(at(revision), spec).state is state


@pytest.mark.parametrize("path", FILES)
def test_one_file_less_is_not_present(at: At, spec: HookSpec, path: RepoPath) -> None:
    source, old = at(HOOK), at(PARENT)
    presence = probe_presence(Overlay(source, {path: old.read(path)}), spec)
    assert presence.state is PresenceState.PARTIAL
    assert presence.missing


@pytest.mark.parametrize(
    "renamed",
    [
        lambda data: data.replace(b"xen_mapping_pagetable_reserve", b"xen_other"),
        lambda data: data.replace(b"xen_mapping_pagetable_reserve(u64", b"xen_other(u64"),
        lambda data: data.replace(b"= xen_mapping_pagetable_reserve;", b"= xen_other;"),
    ],
)
def test_a_renamed_override_is_not_present(at: At, spec: HookSpec, renamed: Callable[[bytes], bytes]) -> None:
    source = at("v2.6.39")
    data = source.read(OVERRIDE) or b""
    assert renamed(data) != data
    assert probe_presence(Overlay(source, {OVERRIDE: renamed(data)}), spec).state is PresenceState.PARTIAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("while (end < PFN_PHYS(pgt_buf_top)) {", "while (end < PFN_PHYS(pgt_buf_top) - PAGE_SIZE) {"),
        ("while (end < PFN_PHYS(pgt_buf_top)) {", "while (0) {"),
        ("while (end < PFN_PHYS(pgt_buf_top)) {", "while (end < PFN_PHYS(pgt_buf_end)) {"),
        ("while (end < PFN_PHYS(pgt_buf_top)) {", "end = start;\n\twhile (end < PFN_PHYS(pgt_buf_top)) {"),
        ("\tnative_pagetable_reserve(start, end);\n", "\t;\n"),
        ("\tx86_init.mapping.pagetable_reserve = xen", "\tif (0)\n#if 0\n\tx86_init.mapping.pagetable_reserve = xen"),
    ],
)
def test_a_damaged_override_is_not_present(at: At, spec: HookSpec, old: str, new: str) -> None:
    source = at("v2.6.39")
    data = (source.read(OVERRIDE) or b"").decode("latin-1")
    assert old in data
    damaged = data.replace(old, new, 1)
    if "#if 0" in new:
        damaged = damaged.replace(
            "xen_mapping_pagetable_reserve;\n", "xen_mapping_pagetable_reserve;\n#endif\n\t\t;\n", 1
        )
    presence = probe_presence(Overlay(source, {OVERRIDE: damaged.encode("latin-1")}), spec)
    assert presence.state is PresenceState.PARTIAL


@pytest.mark.parametrize("revision", ["v2.6.39", "v3.0", "v3.1", "tree-3.3.6", "tree-3.6.0", "tree-3.8.13"])
def test_taken_out_and_written_again(at: At, spec: HookSpec, revision: str) -> None:
    source = at(revision)
    removed = remove_hook(source, spec)
    assert removed is not None
    assert set(removed) == set(FILES)
    bare = Overlay(source, removed)
    assert probe_presence(bare, spec).state is PresenceState.ABSENT
    assert probe_presence(Overlay(bare, written(bare, spec)), spec).state is PresenceState.PRESENT
    reserve = probe_features(bare, spec).reserve
    assert reserve is not None
    assert reserve == probe_features(source, spec).reserve


def test_taken_out_is_the_parent_in_effect(at: At, spec: HookSpec) -> None:
    source, parent = at(HOOK), at(PARENT)
    removed = remove_hook(source, spec)
    assert removed is not None
    for path in FILES:
        if path == CALLER:
            ours, theirs = parse_c(removed[path]), parse_c(parent.read(path) or b"")
            assert without(calls_of(ours), "PFN_PHYS") == without(calls_of(theirs), "PFN_PHYS")
        else:
            assert removed[path] == parent.read(path)


def override_alone(at: At) -> Patch:
    """The hook's commit cut down to the one file that sets the override: what a mail once showed."""
    data = at(HOOK).read(OVERRIDE)
    files = diff_sources(at(PARENT), {OVERRIDE: data})
    return Patch(files=files, message=b"x86,xen: one of five files\n", subject="x86,xen: one of five files")


@pytest.mark.parametrize(
    ("revision", "undefined"),
    [
        (PARENT, {"native_pagetable_reserve", "x86_init.mapping"}),
        ("v2.6.38", {"native_pagetable_reserve", "x86_init.mapping", "pgt_buf_top"}),
    ],
)
def test_a_partial_patch_is_named_and_completed(at: At, revision: str, undefined: set[str]) -> None:
    completion = complete_hook(override_alone(at), at(revision))
    assert completion is not None
    assert not completion.rejects
    assert {one.name for one in completion.undefined} == undefined
    assert not completion.complete
    assert isinstance(completion.whole, Generated)
    assert set(completion.whole.changes) == set(FILES)
