"""Where a part goes depends on the code around it, not on what stands above or on how far down it is."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import Generated, generate_hook, load_hook, probe_cause, probe_presence, remove_hook

TOUCHED = tuple(
    RepoPath(path)
    for path in (
        "arch/x86/include/asm/x86_init.h",
        "arch/x86/kernel/x86_init.c",
        "arch/x86/include/asm/pgtable_types.h",
        "arch/x86/mm/init.c",
        "arch/x86/xen/mmu.c",
    )
)
ABOVE = st.sampled_from(
    [
        b"\n",
        b"/* nothing to see here: x86_init.mapping.pagetable_reserve = native_pagetable_reserve; */\n",
        b"extern int unrelated;\n",
        b"#ifdef CONFIG_X86_32\nextern int thirty_two;\n#endif\n",
        b"#if 0\nvoid native_pagetable_reserve(u64 start, u64 end) { }\n#endif\n",
        b'#define NOTHING "xen_init_mmu_ops(void) {"\n',
        b"/* caf\xe9: not UTF-8 */\n",
    ]
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(TOUCHED), st.lists(ABOVE, max_size=5).map(b"".join)))
def test_placement_does_not_depend_on_lines_above(
    pagetable_tree: Callable[..., BlobSource], above: dict[RepoPath, bytes]
) -> None:
    spec = load_hook("pagetable_reserve")
    plain = pagetable_tree()
    moved = Overlay(plain, {path: text + (plain.read(path) or b"") for path, text in above.items()})
    expected, hook = generate_hook(plain, spec), generate_hook(moved, spec)
    assert isinstance(expected, Generated)
    assert isinstance(hook, Generated)
    assert hook.messages == expected.messages
    for path, data in expected.changes.items():
        assert hook.changes[path] == above.get(path, b"") + (data or b"")
    assert probe_cause(moved).state is probe_cause(plain).state
    patched = Overlay(moved, hook.changes)
    assert probe_presence(patched, spec).state == "present"
    removed = remove_hook(patched, spec)
    assert removed is not None
    assert all(removed[path] == moved.read(path) for path in TOUCHED if path != "arch/x86/mm/init.c")
