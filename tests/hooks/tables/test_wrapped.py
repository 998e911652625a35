"""A table whose slots are structs around a pointer to code, and which is called through macros only."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks import HookAtlas, find_hook_tables

TYPES = """\
#ifndef __ASSEMBLY__
struct saving {
	void *code;
};
struct cookie {
	void *data;
};
struct pv_table {
	struct saving save;
	struct saving restore;
	void (*halt)(void);
	struct cookie cookie;
};
extern struct pv_table pv;
#define ARRAY_OF(op) [ptr] "i" (&(op))
#define CALL0(type, op) ({ type r; asm volatile("1: call *%c[ptr];" : "=a" (r) : ARRAY_OF(op) : "cc"); r; })
#define SAVING0(type, op) CALL0(type, op.code)
#define IS_SAVING(f) ((struct saving) { f })
#define SAVING(f) ((struct saving) { __thunk_##f })
#define OFFSET_OF(member) offsetof(struct all, member)
#else
#define SAVE call *pv+PV_save
#endif
"""

DEFINITION = """\
struct pv_table pv = {
	.save		= IS_SAVING(native_save),
	.restore	= SAVING(native_restore),
	.halt		= native_halt,
};
"""

INLINES = """\
static inline unsigned long local_save(void)
{
	return SAVING0(flags_t, pv.save);
}
static inline void local_halt(void)
{
	CALL0(int, pv.halt);
}
"""

USER = """\
void __init install(void)
{
	pv.save = IS_SAVING(guest_save);
	pv.restore.code = guest_restore;
	pv.cookie.data = &cookie;
}
int patch(int type)
{
	switch (type) {
	case OFFSET_OF(pv.halt):
		return 1;
	}
	return pv.restore.code != NULL;
}
"""


@pytest.fixture
def atlas(sources: Callable[[Mapping[str, str]], BlobSource]) -> HookAtlas:
    return find_hook_tables(
        sources(
            {
                "arch/x86/include/asm/pv_types.h": TYPES,
                "arch/x86/include/asm/pv.h": INLINES,
                "arch/x86/kernel/pv.c": DEFINITION,
                "arch/x86/guest/user.c": USER,
                "arch/x86/kernel/entry.S": "\n\tcall *pv+8\n\tcall pvx\n",
            }
        ),
        table="pv",
    )


def test_structs_around_code_are_slots_and_others_are_not(atlas: HookAtlas) -> None:
    (table,) = atlas.tables
    assert [(slot.path, slot.signature) for slot in table.slots] == [
        ("save", "struct saving save"),
        ("restore", "struct saving restore"),
        ("halt", "void (*halt)(void)"),
    ]
    assert atlas.coverage.not_understood == ()


def test_values_name_the_function(atlas: HookAtlas) -> None:
    (table,) = atlas.tables
    assert [[item.function for item in slot.defaults] for slot in table.slots] == [
        ["native_save"],
        ["native_restore"],
        ["native_halt"],
    ]
    assert [[item.function for item in slot.overrides] for slot in table.slots] == [
        ["guest_save"],
        ["guest_restore"],
        [],
    ]


def test_calls_are_at_the_wrapper(atlas: HookAtlas) -> None:
    (table,) = atlas.tables
    called = {slot.path: [(str(place), place.function) for place in slot.call_sites] for slot in table.slots}
    assert called == {
        "save": [("arch/x86/include/asm/pv.h:3", "local_save")],
        "restore": [],
        "halt": [("arch/x86/include/asm/pv.h:7", "local_halt")],
    }


def test_a_measured_slot_is_no_guard(atlas: HookAtlas) -> None:
    (table,) = atlas.tables
    assert [[place.line for place in slot.guards] for slot in table.slots] == [[], [13], []]


def test_assembler_is_said_to_be_unread(atlas: HookAtlas) -> None:
    assert [str(place) for place in atlas.coverage.assembler] == [
        "arch/x86/include/asm/pv_types.h:22",
        "arch/x86/kernel/entry.S:2",
    ]


def test_without_a_macro_that_calls_it_a_struct_of_a_pointer_is_data(
    sources: Callable[[Mapping[str, str]], BlobSource],
) -> None:
    plain = TYPES.replace("op.code", "op")
    atlas = find_hook_tables(sources({"arch/x86/include/asm/pv_types.h": plain}), table="pv")
    assert [slot.path for slot in atlas.tables[0].slots] == ["halt"]
