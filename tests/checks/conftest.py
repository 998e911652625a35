"""Changes of a small tree, built from dicts."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.checks.check import Change, EditOf, Lookup
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay

HEADER = """\
#ifndef TABLE_H
#define TABLE_H
struct timer_ops { void (*start)(int when); };
struct board_ops {
	void (*probe)(void);
	struct timer_ops timer;
	int flags;
};
extern struct board_ops board;
void native_probe(void);
void native_start(int when);
#endif
"""
DEFAULTS = """\
#include <asm/table.h>
void native_probe(void) { }
void native_start(int when) { }
struct board_ops board = {
	.probe = native_probe,
	.timer = {
		.start = native_start,
	},
};
"""
USER = """\
#include <asm/table.h>
void setup(void)
{
	board.probe();
	board.timer.start(3);
}
"""
TREE = {
    "arch/x86/include/asm/table.h": HEADER,
    "arch/x86/kernel/table.c": DEFAULTS,
    "arch/x86/kernel/setup.c": USER,
}


@pytest.fixture
def change(sources: Callable[..., object]) -> Callable[..., Change]:
    """`change({path: new text or None}, tree=…)`: a Change of `tree` (by default one hook table with its users)."""

    def build(
        files: Mapping[str, str | None],
        *,
        tree: Mapping[str, str] = TREE,
        message: str = "",
        lookup: Lookup = lambda _: None,
        edit_of: EditOf = lambda _: None,
    ) -> Change:
        before = sources(tree)
        changes = {RepoPath(path): None if text is None else text.encode() for path, text in files.items()}
        return Change(before, Overlay(before, changes), tuple(changes), message.encode(), lookup, edit_of)  # type: ignore[arg-type]

    return build
