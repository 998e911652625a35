"""header-included: a header that the change adds to, and the files that use what it adds."""

from kpatch_tools.core.hunkclass import HunkClass

FILE = "arch/x86/kernel/setup.c"
HEADER = "arch/x86/include/asm/tramp.h"
BOOT = "arch/x86/include/asm/boot.h"
OLD = """\
#include <asm/boot.h>

void setup_all(void)
{
	paging_init();

	probe_all();
}
"""
NEW = OLD.replace("\tpaging_init();\n", "\tpaging_init();\n\tsetup_tramp();\n")
TRAMP = "#ifndef TRAMP\nextern void paging_init(void);\n#endif\n"
MORE = TRAMP.replace("#endif", "extern void setup_tramp(void);\n#endif")
LEADING = "#include <asm/tramp.h>\n"


def refused(pick):
    return [(one.file, one.guard) for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def test_no_way_leads_to_the_header(pick):
    upstream = {FILE: OLD, HEADER: TRAMP, BOOT: LEADING}
    found = pick(upstream, {FILE: NEW, HEADER: MORE}, upstream | {BOOT: "void probe_all(void);\n"})
    assert refused(found) == [(FILE, "header-included")]
    assert found.changes == {HEADER: MORE.encode()}


def test_another_header_leads_to_it(pick):
    upstream = {FILE: OLD, HEADER: TRAMP, BOOT: LEADING}
    assert not refused(pick(upstream, {FILE: NEW, HEADER: MORE}, upstream | {BOOT: "/* more */\n" + LEADING}))


def test_the_file_includes_it_itself(pick):
    own = LEADING + OLD
    target = {FILE: own, HEADER: TRAMP, BOOT: "void probe_all(void);\n"}
    upstream = {FILE: own, HEADER: TRAMP, BOOT: LEADING}
    assert not refused(pick(upstream, {FILE: LEADING + NEW, HEADER: MORE}, target))


def test_where_upstream_does_not_see_it_either_nothing_is_known(pick):
    upstream = {FILE: OLD, HEADER: TRAMP, BOOT: "void probe_all(void);\n"}
    assert not refused(pick(upstream, {FILE: NEW, HEADER: MORE}, upstream))
