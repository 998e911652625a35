"""Listing the tables of a source."""

from collections.abc import Callable, Mapping

from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.tables.listing import list_hook_tables

HEADER = """\
struct in {
	void (*f)(void);
	void (*g)(int);
};
struct ops {
	struct in in;
	int (*h)(void);
};
struct data { int a; };
extern struct ops ops;
extern struct data data;
extern struct elsewhere elsewhere;
extern struct ops ops_of(int a), *current_ops;
extern struct ops *take_ops(int a), **lists_of_ops(void);
struct ops not_extern;
/* extern struct ops commented; */
"""


def test_tables_of_a_header(sources: Callable[[Mapping[str, str]], BlobSource]) -> None:
    source = sources({"arch/x86/a.h": HEADER, "arch/x86/a.c": HEADER, "mm/a.h": HEADER})
    found = [(table.name, table.type, str(table.location), table.slots) for table in list_hook_tables(source)]
    assert found == [
        ("ops", "struct ops", "arch/x86/a.h:10", 3),
        ("current_ops", "struct ops", "arch/x86/a.h:13", 3),
    ]
