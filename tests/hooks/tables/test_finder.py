"""Hook tables in a miniature of our own, and seeded edits of it where a text search is wrong."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import HookTable, find_hook_tables

HEADER = """\
#ifndef _BOOT_OPS_H
#define _BOOT_OPS_H

/* boot_ops.mapping.reserve(0, 0) is what everybody calls. */
struct boot_mapping {
	void (*reserve)(u64 start,
			u64 end);	/* where the tables went */
	int count;
};

struct boot_ops_table {
	struct boot_mapping mapping;
	struct {
		char *(*setup)(void), *name;
		int (__init *probe[2])(struct dev *d, const char *s);
	} memory;
	struct boot_irqs {
		void (*init)(void);
	} irqs;
	struct list_head list;
	struct {
		void (*banner)(void);
	};
};

extern struct boot_ops_table boot_ops;
#endif
"""

DEFINITION = """\
#include <asm/boot_ops.h>

struct boot_ops_table boot_ops __initdata = {
	.mapping = {
		.reserve	= native_reserve,
		.count		= 3,
	},
	.memory.setup = default_setup,
	.irqs = { &native_irqs },
	.banner		= NULL,
};
EXPORT_SYMBOL(boot_ops);
"""

USER = """\
#include <asm/boot_ops.h>

static void __init setup(void)
{
	boot_ops.mapping.reserve = other_reserve;
	if (boot_ops.irqs.init)
		boot_ops.irqs.init();
}
"""

Sources = Callable[[Mapping[str, str]], BlobSource]


class Nothing:
    """A source without files."""

    def read(self, path: RepoPath) -> None:
        return None

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return iter(())


NOTHING = Nothing()


@pytest.fixture
def base(sources: Sources) -> BlobSource:
    return sources(
        {
            "arch/x86/include/asm/boot_ops.h": HEADER,
            "arch/x86/kernel/boot_ops.c": DEFINITION,
            "arch/x86/kernel/user.c": USER,
            "drivers/none.c": "int boot;\n",
            "drivers/boot_ops.txt": "boot_ops.irqs.init();\n",
        }
    )


def table_of(source: BlobSource) -> HookTable:
    (table,) = find_hook_tables(source, table="boot_ops").tables
    return table


def uses(source: BlobSource) -> set[tuple[str, str, int, str | None, str]]:
    """(kind, slot, line, function, value) of everything found in user.c."""
    found: set[tuple[str, str, int, str | None, str]] = set()
    for slot in table_of(source).slots:
        for reference in slot.overrides:
            place = reference.location
            found.add(("override", slot.path, place.line, place.function, reference.function))
        for kind, places in (("call", slot.call_sites), ("guard", slot.guards)):
            found.update((kind, slot.path, place.line, place.function, "") for place in places)
    return found


def test_slots_and_signatures(base: BlobSource) -> None:
    table = table_of(base)
    assert (table.name, table.type) == ("boot_ops", "struct boot_ops_table")
    assert (table.file, table.line) == ("arch/x86/kernel/boot_ops.c", 3)
    assert str(table.struct) == "arch/x86/include/asm/boot_ops.h:11"
    assert [(slot.path, slot.signature, slot.location.line) for slot in table.slots] == [
        ("mapping.reserve", "void (*reserve)(u64 start, u64 end)", 6),
        ("memory.setup", "char *(*setup)(void)", 14),
        ("memory.probe", "int (*probe[2])(struct dev *d, const char *s)", 15),
        ("irqs.init", "void (*init)(void)", 18),
        ("banner", "void (*banner)(void)", 22),
    ]


def test_defaults(base: BlobSource) -> None:
    table = table_of(base)
    defaults = {slot.path: (slot.default.function, slot.default.location.line) for slot in table.slots if slot.default}
    assert defaults == {
        "mapping.reserve": ("native_reserve", 5),
        "memory.setup": ("default_setup", 8),
        "irqs.init": ("native_irqs", 9),
        "banner": ("NULL", 10),
    }
    assert table.slot("memory.probe") is not None
    assert table.slot("memory") is None


def test_uses(base: BlobSource) -> None:
    assert uses(base) == {
        ("override", "mapping.reserve", 5, "setup", "other_reserve"),
        ("guard", "irqs.init", 6, "setup", ""),
        ("call", "irqs.init", 7, "setup", ""),
    }


def test_coverage(base: BlobSource) -> None:
    coverage = find_hook_tables(base, table="boot_ops").coverage
    assert (coverage.files, coverage.searched_files) == (3, 4)
    assert coverage.bytes == len(HEADER) + len(DEFINITION) + len(USER)
    assert coverage.not_understood == ()


def test_macro_of_a_header(base: BlobSource) -> None:
    header = HEADER.replace("#endif", "#define boot_irqs_init() (boot_ops.irqs.init())\n#endif").encode()
    source = Overlay(
        base,
        {
            RepoPath("arch/x86/include/asm/boot_ops.h"): header,
            RepoPath("arch/x86/kernel/user.c"): b"void g(void)\n{\n\tboot_irqs_init();\n}\n",
        },
    )
    assert uses(source) == {call(3, "irqs.init")}


def test_nested_struct_of_an_included_header(sources: Sources) -> None:
    source = sources(
        {
            "include/linux/irqs.h": "struct irqs {\n\tvoid (*init)(void);\n};\n",
            "arch/x86/include/asm/ops.h": "#include <linux/irqs.h>\n"
            "struct ops { struct irqs irqs; };\nextern struct ops ops;\n",
            "arch/x86/a.c": "void g(void)\n{\n\tops.irqs.init();\n}\n",
        }
    )
    (table,) = find_hook_tables(source, table="ops").tables
    (slot,) = table.slots
    assert str(slot.location) == "include/linux/irqs.h:2"
    assert [str(place) for place in slot.call_sites] == ["arch/x86/a.c:3"]


def test_struct_of_another_file(base: BlobSource) -> None:
    source = Overlay(
        base,
        {
            RepoPath("arch/x86/kernel/user.c"): b"void g(void)\n{\n\tboot_ops.mapping = other;\n}\n",
            RepoPath("arch/x86/kernel/other.c"): b"struct boot_mapping other __initdata = {\n\t.reserve = f,\n};\n",
        },
    )
    assert uses(source) == {override(3)}


def test_table_that_is_a_macro_in_one_file(base: BlobSource) -> None:
    text = b"#define boot_ops my_ops\nvoid g(void)\n{\n\tboot_ops.mapping.reserve = f;\n}\n"
    source = Overlay(base, {RepoPath("arch/x86/kernel/user.c"): text})
    assert uses(source) == set()
    (note,) = find_hook_tables(source, table="boot_ops").coverage.not_understood
    assert "is a macro" in note.reason


def test_two_initialisers(base: BlobSource) -> None:
    text = DEFINITION.replace(
        "= native_reserve,", "= native_reserve,\n#ifdef A\n\t\t.reserve = a_reserve,\n#endif"
    ).encode()
    source = Overlay(base, {RepoPath("arch/x86/kernel/boot_ops.c"): text})
    slot = table_of(source).slot("mapping.reserve")
    assert slot is not None
    assert [(default.function, default.location.line) for default in slot.defaults] == [
        ("native_reserve", 5),
        ("a_reserve", 7),
    ]


def test_table_behind_a_pointer(sources: Sources) -> None:
    source = sources(
        {
            "arch/x86/include/asm/apic.h": "struct apic {\n\tint (*probe)(void);\n};\nextern struct apic *apic;\n",
            "arch/x86/flat.c": "struct apic flat = { .probe = flat_probe };\nstruct apic *apic = &flat;\n"
            "void g(void)\n{\n\tapic = &flat;\n\tapic->probe();\n\tapic->probe = f;\n}\n",
        }
    )
    (table,) = find_hook_tables(source, table="apic").tables
    (slot,) = table.slots
    assert [(item.function, item.location.line) for item in slot.overrides] == [("flat_probe", 5), ("f", 7)]
    assert [place.line for place in slot.call_sites] == [6]
    assert slot.default is not None
    assert (slot.default.function, slot.default.location.line) == ("flat_probe", 1)


def test_no_such_table(base: BlobSource) -> None:
    assert find_hook_tables(base, table="other_ops").tables == ()
    assert find_hook_tables(base, table="boot").tables == ()


def override(line: int, value: str = "f", slot: str = "mapping.reserve") -> tuple[str, str, int, str | None, str]:
    return ("override", slot, line, "g", value)


def call(line: int, slot: str = "mapping.reserve") -> tuple[str, str, int, str | None, str]:
    return ("call", slot, line, "g", "")


def guard(line: int, slot: str = "mapping.reserve") -> tuple[str, str, int, str | None, str]:
    return ("guard", slot, line, "g", "")


ALL = ("mapping.reserve", "memory.setup", "memory.probe", "irqs.init", "banner")

# Each is a user.c and what is in it. Line 1 is the first line of the text.
SEEDED = {
    "comment": ("void g(void)\n{\n\t/* boot_ops.mapping.reserve = f; */\n}\n", set()),
    "line comment": ("void g(void)\n{\n\t// boot_ops.mapping.reserve = f;\n}\n", set()),
    "comment over lines": ("void g(void)\n{\n\t/*\n\tboot_ops.mapping.reserve = f;\n\t*/\n}\n", set()),
    "string": ('void g(void)\n{\n\tp("boot_ops.mapping.reserve = f;");\n}\n', set()),
    "if 0": ("void g(void)\n{\n#if 0\n\tboot_ops.mapping.reserve = f;\n#endif\n}\n", set()),
    "else of if 0": (
        "void g(void)\n{\n#if 0\n\tx();\n#else\n\tboot_ops.mapping.reserve = f;\n#endif\n}\n",
        {override(6)},
    ),
    "else of if 1": (
        "void g(void)\n{\n#if 1\n\tx();\n#else\n\tboot_ops.mapping.reserve = f;\n#endif\n}\n",
        set(),
    ),
    "nested in if 0": (
        "#if 0\n#ifdef A\nvoid g(void)\n{\n\tboot_ops.irqs.init();\n}\n#endif\n#endif\n",
        set(),
    ),
    "if 0 in a comment": (
        "void g(void)\n{\n\t/*\n#if 0\n\t*/\n\tboot_ops.mapping.reserve = f;\n}\n",
        {override(6)},
    ),
    "configured": (
        "void g(void)\n{\n#ifdef CONFIG_A\n\tboot_ops.mapping.reserve = f;\n#endif\n}\n",
        {override(4)},
    ),
    "else cut by a conditional": (
        "void g(void)\n{\n\tif (a) {\n#ifdef B\n\t} else if (b) {\n#endif\n\t\tboot_ops.mapping.reserve = f;\n\t}\n}\n",
        {override(7)},
    ),
    "parameter of that name": ("void g(struct foo boot_ops)\n{\n\tboot_ops.mapping.reserve = f;\n}\n", set()),
    "local of that name": (
        "void g(void)\n{\n\tstruct foo boot_ops;\n\n\tboot_ops.mapping.reserve = f;\n}\n",
        set(),
    ),
    "local of an inner block": (
        "void g(void)\n{\n\t{\n\t\tstruct foo boot_ops;\n\t\tboot_ops.irqs.init();\n\t}\n\tboot_ops.irqs.init();\n}\n",
        {call(7, "irqs.init")},
    ),
    "local declared later": (
        "void g(void)\n{\n\tboot_ops.irqs.init();\n\tstruct foo boot_ops;\n\tboot_ops.irqs.init();\n}\n",
        {call(3, "irqs.init")},
    ),
    "local of a for": (
        "void g(void)\n{\n\tfor (struct foo boot_ops = x; ; )\n\t\tboot_ops.irqs.init();\n\tboot_ops.irqs.init();\n}\n",
        {call(5, "irqs.init")},
    ),
    "extern in a block": (
        "void g(void)\n{\n\textern struct boot_ops_table boot_ops;\n\tboot_ops.irqs.init();\n}\n",
        {call(4, "irqs.init")},
    ),
    "private variable": (
        "static struct foo boot_ops;\nvoid g(void)\n{\n\tboot_ops.irqs.init();\n}\n",
        set(),
    ),
    "member of that name": ("void g(void)\n{\n\tx.boot_ops.irqs.init();\n\tx->boot_ops.irqs.init = f;\n}\n", set()),
    "longer names": (
        "void g(void)\n{\n\tmy_boot_ops.irqs.init();\n\tboot_ops2.irqs.init();\n\tboot_ops_x = f;\n}\n",
        set(),
    ),
    "label and tag": ("void g(void)\n{\n\tstruct boot_ops x;\n\tgoto boot_ops;\nboot_ops:\n\th();\n}\n", set()),
    "unused macro": ("#define SET boot_ops.mapping.reserve = f\nvoid g(void)\n{\n}\n", set()),
    "macro used": (
        '#define SET boot_ops.mapping.reserve = f\nvoid g(void)\n{\n\tSET;\n\t/* SET; */\n\tp("SET");\n}\n',
        {override(4)},
    ),
    "macro with arguments": (
        "#define SET(slot, v) do { \\\n\tboot_ops.slot = v; \\\n} while (0)\nvoid g(void)\n{\n"
        "\tSET(mapping.reserve,\n\t    f);\n\tboot_ops.irqs.init();\n}\n",
        {override(6), call(8, "irqs.init")},
    ),
    "macro of a macro": (
        "#define OPS boot_ops.irqs\n#define RUN() OPS.init()\nvoid g(void)\n{\n\tRUN();\n}\n",
        {call(5, "irqs.init")},
    ),
    "macro with a parameter of that name": ("#define RUN(boot_ops) boot_ops.irqs.init()\nvoid g(void)\n{\n}\n", set()),
    "stored by a macro": (
        "void g(void)\n{\n\trcu_assign_pointer(boot_ops.irqs.init, f);\n\tWRITE_ONCE(boot_ops.irqs.init, f);\n"
        "\txchg(&boot_ops.irqs.init, f);\n\tACCESS_ONCE(boot_ops.irqs.init) = f;\n}\n",
        {override(line, slot="irqs.init") for line in (3, 4, 5, 6)},
    ),
    "read by a macro": (
        "void g(void)\n{\n\tREAD_ONCE(boot_ops.irqs.init)();\n\tBUG_ON(!boot_ops.irqs.init);\n}\n",
        {call(3, "irqs.init"), guard(4, "irqs.init")},
    ),
    "called or else": ("void g(void)\n{\n\t(boot_ops.irqs.init ?: h)();\n}\n", {call(3, "irqs.init")}),
    "and 0": ("void g(void)\n{\n#if defined(A) && 0\n\tboot_ops.irqs.init();\n#endif\n}\n", set()),
    "both branches of a cut": (
        "void g(void)\n{\n#ifdef A\n\tif (boot_ops.banner) {\n#else\n\tif (boot_ops.irqs.init) {\n#endif\n\t}\n}\n",
        {guard(4, "banner"), guard(6, "irqs.init")},
    ),
    "split over lines": (
        "void g(void)\n{\n\tboot_ops\n\t\t.mapping\n\t\t.reserve\n\t\t\t= f;\n\tboot_ops.irqs.\n\t\tinit\n\t();\n}\n",
        {override(3), call(7, "irqs.init")},
    ),
    "spliced": ("void g(void)\n{\n\tboot_ops.mapping \\\n\t\t.reserve = f;\n}\n", {override(3)}),
    "comment inside": ("void g(void)\n{\n\tboot_ops /* the */ . mapping . reserve /* = h */ = f;\n}\n", {override(3)}),
    "comparison": ("void g(void)\n{\n\tif (boot_ops.mapping.reserve == f)\n\t\th();\n}\n", {guard(3)}),
    "negated": ("void g(void)\n{\n\tif (!boot_ops.mapping.reserve)\n\t\treturn;\n}\n", {guard(3)}),
    "guard and call in one": (
        "void g(void)\n{\n\tif (boot_ops.irqs.init && !boot_ops.irqs.init())\n\t\treturn;\n}\n",
        {guard(3, "irqs.init"), call(3, "irqs.init")},
    ),
    "size only": ("void g(void)\n{\n\th(sizeof(boot_ops.mapping.reserve));\n}\n", set()),
    "address of function": ("void g(void)\n{\n\tboot_ops.mapping.reserve = &f;\n}\n", {override(3)}),
    "cast": ("void g(void)\n{\n\tboot_ops.mapping.reserve = (void (*)(u64, u64))f;\n}\n", {override(3)}),
    "null": ("void g(void)\n{\n\tboot_ops.mapping.reserve = NULL;\n}\n", {override(3, "NULL")}),
    "parentheses": (
        "void g(void)\n{\n\t(boot_ops.mapping).reserve = (f);\n\t(boot_ops.irqs.init)();\n}\n",
        {override(3), call(4, "irqs.init")},
    ),
    "old call": ("void g(void)\n{\n\t(*boot_ops.irqs.init)();\n}\n", {call(3, "irqs.init")}),
    "address and arrow": ("void g(void)\n{\n\t(&boot_ops)->mapping.reserve = f;\n}\n", {override(3)}),
    "chained": (
        "void g(void)\n{\n\tboot_ops.irqs.init = boot_ops.banner = f;\n}\n",
        {override(3, slot="irqs.init"), override(3, slot="banner")},
    ),
    "array of slots": (
        "void g(void)\n{\n\tboot_ops.memory.probe[1] = f;\n\tboot_ops.memory.probe[0](d, s);\n}\n",
        {override(3, slot="memory.probe"), call(4, "memory.probe")},
    ),
    "result used": ("void g(void)\n{\n\tx = boot_ops.memory.setup();\n}\n", {call(3, "memory.setup")}),
    "data member": ("void g(void)\n{\n\tboot_ops.mapping.count = 3;\n\tboot_ops.memory.name = f;\n}\n", set()),
    "compound literal": (
        "void g(void)\n{\n\tboot_ops.mapping = (struct boot_mapping){ .reserve = f };\n}\n",
        {override(3)},
    ),
    "literal without the slot": (
        "void g(void)\n{\n\tboot_ops.mapping = (struct boot_mapping){ .count = 1 };\n}\n",
        {override(3, "NULL")},
    ),
    "struct-wise": (
        "static struct boot_mapping other = {\n\t.reserve = f,\n};\nvoid g(void)\n{\n\tboot_ops.mapping = other;\n}\n",
        {override(6)},
    ),
    "struct-wise, chosen by a conditional": (
        "static struct boot_mapping other = {\n#ifdef CONFIG_A\n\t.reserve = f,\n#else\n\t.reserve = h,\n#endif\n};\n"
        "void g(void)\n{\n\tboot_ops.mapping = other;\n}\n",
        {override(10), override(10, "h")},
    ),
    "struct-wise, unknown": (
        "void g(void)\n{\n\tboot_ops.mapping = other;\n}\n",
        {override(3, "other.reserve")},
    ),
    "copied": (
        "static struct boot_mapping other = { f };\nvoid g(void)\n{\n"
        "\tmemcpy(&boot_ops.mapping, &other, sizeof(other));\n}\n",
        {override(4)},
    ),
    "whole table": (
        "static struct boot_ops_table t = { .irqs.init = f };\nvoid g(void)\n{\n\tboot_ops = t;\n}\n",
        {override(4, "f" if slot == "irqs.init" else "NULL", slot) for slot in ALL},
    ),
    "pointer to a sub-table": (
        "void g(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n\n\tm->reserve = f;\n\tm->reserve(0, 0);\n}\n",
        {override(5), call(6)},
    ),
    "pointer set later": (
        "void g(void)\n{\n\tstruct boot_mapping *m;\n\n\tm = &boot_ops.mapping;\n\t(*m).reserve = f;\n}\n",
        {override(6)},
    ),
    "pointer to another": (
        "void g(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n\n\tm = &x;\n\tm->reserve = f;\n}\n",
        set(),
    ),
    "pointer perhaps to another": (
        "void g(void)\n{\n\tstruct boot_mapping *m = &x;\n\n\tif (a)\n"
        "\t\tm = &boot_ops.mapping;\n\tm->reserve = f;\n}\n",
        {override(7)},
    ),
    "pointer chosen": (
        "void g(void)\n{\n\tstruct boot_mapping *m = a ? &boot_ops.mapping : &x;\n\n\tm->reserve = f;\n}\n",
        {override(5)},
    ),
    "pointer of a pointer": (
        "void g(void)\n{\n\tstruct boot_ops_table *t = &boot_ops;\n"
        "\tstruct boot_irqs *i = &t->irqs;\n\n\ti->init();\n}\n",
        {call(6, "irqs.init")},
    ),
    "pointer shadowed": (
        "void g(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n\t{\n"
        "\t\tstruct y *m = z;\n\t\tm->reserve = f;\n\t}\n}\n",
        set(),
    ),
    "pointer of typeof": (
        "void g(void)\n{\n\ttypeof(boot_ops.mapping) *m = &boot_ops.mapping;\n\n\tm->reserve = f;\n}\n",
        {override(5)},
    ),
    "pointer of the file": (
        "static struct boot_mapping *m = &boot_ops.mapping;\nvoid g(void)\n{\n\tm->reserve = f;\n}\n",
        {override(4)},
    ),
    "pointer of another function": (
        "void h(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n}\nvoid g(void)\n{\n\tm->reserve = f;\n}\n",
        set(),
    ),
    "struct through a pointer": (
        "void g(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n\n\t*m = (struct boot_mapping){ f };\n}\n",
        {override(5)},
    ),
    "pointer to a slot": (
        "void g(void)\n{\n\tvoid (**p)(u64, u64) = &boot_ops.mapping.reserve;\n\n\t*p = f;\n\t(**p)(0, 0);\n}\n",
        {override(5), call(6)},
    ),
    "passed to a function of the file": (
        "static void g(struct boot_mapping *m)\n{\n\tm->reserve = f;\n}\nvoid h(void)\n{\n\tg(&boot_ops.mapping);\n}\n",
        {override(3)},
    ),
    "passed on and on": (
        "static void g(struct boot_mapping *m)\n{\n\tm->reserve = f;\n\tg(m);\n}\n"
        "void h(void)\n{\n\tg(&boot_ops.mapping);\n\tg(&boot_ops.mapping);\n}\n",
        {override(3)},
    ),
    "annotated function": (
        "static int __init __attribute__((cold)) g(void)\n{\n\tboot_ops.mapping.reserve = f;\n}\n",
        {override(3)},
    ),
    "in an iterator's body": (
        "void g(void)\n{\n\tlist_for_each_entry(a, &b, c)\n\t\tboot_ops.irqs.init();\n}\n",
        {call(4, "irqs.init")},
    ),
    "Latin-1": ("/* \u00e9 */\nvoid g(void)\n{\n\tboot_ops.irqs.init();\n}\n", {call(4, "irqs.init")}),
}


@pytest.mark.parametrize("name", SEEDED)
def test_seeded_edit(base: BlobSource, name: str) -> None:
    text, expected = SEEDED[name]
    encoded = text.encode("latin-1" if name == "Latin-1" else "utf-8")
    edited = Overlay(base, {RepoPath("arch/x86/kernel/user.c"): encoded})
    assert uses(edited) == expected
    coverage = find_hook_tables(edited, table="boot_ops").coverage
    assert coverage.not_understood == ()


def test_each_site_is_listed_once(base: BlobSource) -> None:
    text, _ = SEEDED["passed on and on"]
    slot = table_of(Overlay(base, {RepoPath("arch/x86/kernel/user.c"): text.encode()})).slot("mapping.reserve")
    assert slot is not None
    assert len(slot.overrides) == 1


@given(st.lists(st.sampled_from(["", "/* x */", "int a;", "#define A 1", "// boot_ops"]), max_size=5), st.data())
def test_lines_above_only_move_the_answer(lines: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SEEDED)))
    text, expected = SEEDED[name]
    above = "".join(line + "\n" for line in lines)
    files = {
        RepoPath("arch/x86/include/asm/boot_ops.h"): HEADER.encode(),
        RepoPath("arch/x86/kernel/boot_ops.c"): DEFINITION.encode(),
        RepoPath("arch/x86/kernel/user.c"): (above + text).encode(),
    }
    assert uses(Overlay(NOTHING, files)) == {
        (kind, slot, line + len(lines), function, value) for kind, slot, line, function, value in expected
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("void g(void)\n{\n\th(&boot_ops.mapping);\n}\n", "passed to h"),
        ("void g(void)\n{\n\tx->m = &boot_ops.mapping;\n}\n", "not followed"),
        ("struct boot_mapping *g(void)\n{\n\treturn &boot_ops.mapping;\n}\n", "leaves the function"),
        ("struct x x = { .m = &boot_ops.mapping };\n", "leaves the function"),
        ("void g(void)\n{\n\tboot_ops.mapping.other = f;\n}\n", "no member mapping.other"),
        ("void g(void)\n{\n\tboot_ops->mapping.reserve = f;\n}\n", "do not follow"),
        ("void g(void)\n{\n\tboot_ops.mapping.reserve += f;\n}\n", "operator"),
        ("void g(void)\n{\n\tif (a {\n\tboot_ops.mapping.reserve = f;\n}\n", "parse error"),
        ("void g(void)\n{\n\tboot_ops.list.next = f;\n}\n", "struct list_head is not defined"),
        ("void g(void)\n{\n\tstruct boot_mapping *m = &boot_ops.mapping;\n\tm += 1;\n}\n", "operator"),
        ("#define SET(a) boot_ops.mapping.a ## reserve = f\n", "macro SET"),
        (
            "void g(void)\n{\n#if A\n\tif (a) {\n#elif B\n\tif (boot_ops.irqs.init) {\n"
            "#else\n\tif (c) {\n#endif\n\t}\n}\n",
            "left out",
        ),
    ],
)
def test_not_understood_is_said(base: BlobSource, text: str, reason: str) -> None:
    edited = Overlay(base, {RepoPath("arch/x86/kernel/user.c"): text.encode()})
    notes = find_hook_tables(edited, table="boot_ops").coverage.not_understood
    assert any(reason in note.reason for note in notes)
    assert all(note.location.file == "arch/x86/kernel/user.c" for note in notes)


@pytest.mark.parametrize(
    "line",
    [
        "boot_\\\nops.mapping.reserve = f;",
        "b\\\noot_op\\\ns.mapping.reserve = f;",
        "boot_ops.mapp\\\ning.reserve = f;",
        "boot_ops.mapping.reserve = fi\\\nx;",
        "SET_RES\\\nERVE(f);",
    ],
)
@pytest.mark.parametrize("more", ["", "\tboot_ops.irqs.init();\n"])
def test_an_identifier_in_two_lines_is_said(base: BlobSource, line: str, more: str) -> None:
    """Also where it is all that the file has of the table."""
    edited = Overlay(
        base,
        {
            RepoPath("arch/x86/include/asm/set.h"): b"#define SET_RESERVE(a) boot_ops.mapping.reserve = (a)\n",
            RepoPath("arch/x86/kernel/user.c"): f"void g(void)\n{{\n{more}\t{line}\n}}\n".encode(),
        },
    )
    notes = find_hook_tables(edited, table="boot_ops").coverage.not_understood
    assert (4 if more else 3, "g", "an identifier that goes on in the next line") in {
        (note.location.line, note.location.function, note.reason) for note in notes
    }


@pytest.mark.parametrize("line", ['s("boot_\\\nops.mapping");', "/* boot_\\\nops.mapping */;"])
def test_text_in_two_lines_is_no_identifier(base: BlobSource, line: str) -> None:
    edited = Overlay(base, {RepoPath("arch/x86/kernel/user.c"): f"void g(void)\n{{\n\t{line}\n}}\n".encode()})
    assert find_hook_tables(edited, table="boot_ops").coverage.not_understood == ()
