"""Each rule speaks up about its own case, and about nothing that only looks like it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import is_below
from kpatch_tools.hooks.completeness.catalogue import ALL_RULES, check_tables
from kpatch_tools.hooks.completeness.finding import Flaw
from kpatch_tools.hooks.index.memory import MemoryFacts

HEADER = """
struct dev { int id; };
struct other { int id; };
typedef struct dev dev_t1;
struct ops {
	int (*open)(struct dev *d, int mode);
	void (*close)(struct dev *d);
	int (*resume)(struct dev *d);
	int (*suspend)(struct dev *d);
};
int call_open(struct ops *o, struct dev *d);
"""
CALLS = """
#include "ops.h"
int call_open(struct ops *o, struct dev *d) { o->close(d); o->resume(d); o->suspend(d); return o->open(d, 1); }
EXPORT_SYMBOL(call_open);
"""


@dataclass(frozen=True)
class Files:
    """A tree of a few files."""

    contents: Mapping[str, str]

    def read(self, path: RepoPath) -> bytes | None:
        text = self.contents.get(path)
        return None if text is None else text.encode()

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return (RepoPath(path) for path in sorted(self.contents) if is_below(path, prefixes))


def check(rule: str, **files: str) -> list[Flaw]:
    """What the rule says about drivers/<name>.c, beside the header and the code that calls."""
    contents = {"drivers/ops.h": HEADER, "drivers/calls.c": CALLS}
    contents |= {f"drivers/{name}.c": f'#include "ops.h"\n{text}' for name, text in files.items()}
    source = Files(contents)
    wanted = [one for one in ALL_RULES if one.id == rule]
    assert len(wanted) == 1
    return list(check_tables(MemoryFacts.of(source), source, rules=wanted))


def said(flaws: list[Flaw]) -> list[tuple[str, str]]:
    return [(flaw.slot, flaw.subject) for flaw in flaws]


FULL = """
static int {0}_open(struct dev *d, int mode) {{ return 0; }}
static void {0}_close(struct dev *d) {{ }}
static int {0}_resume(struct dev *d) {{ return 0; }}
static struct ops {0}_ops = {{ .open = {0}_open, .close = {0}_close, .resume = {0}_resume,
	.suspend = {0}_resume }};
int {0}_use(struct dev *d) {{ return call_open(&{0}_ops, d); }}
"""


def full(*names: str) -> dict[str, str]:
    return {name: FULL.format(name) for name in names}


def test_sound_tables_are_not_spoken_about() -> None:
    for rule in ALL_RULES:
        assert check(rule.id, **full("a", "b", "c", "d", "e", "f", "g")) == []


@pytest.mark.parametrize(
    "function",
    ["int bad(struct dev *d)", "int bad(struct other *d, int mode)", "void bad(struct dev *d, int mode)"],
)
def test_a_function_of_another_type_is_a_mismatch(function: str) -> None:
    text = f"static {function} {{ }}\nstatic struct ops x = {{ .open = bad }};"
    (flaw,) = check("signature-mismatch", x=text)
    assert (flaw.slot, flaw.subject, flaw.status) == ("open", "bad", Status.FAIL)
    assert flaw.location.line == 3


@pytest.mark.parametrize("after", ["(void *)bad", "(int (*)(struct dev *, int))\n\t\tbad"])
def test_a_cast_mismatch_is_a_doubt(after: str) -> None:
    text = "static int bad(struct dev *d) { }\nvoid set(struct ops *o)\n{\n\to->open = bad_one;\n\to->open = %s;\n}"
    (flaw,) = check("signature-mismatch", x=text % after)
    assert flaw.status is Status.WARN
    assert "behind a cast" in flaw.message


@pytest.mark.parametrize(
    "text",
    [
        "static int good(dev_t1 *d, int mode) { return 0; }\nstatic struct ops x = { .open = good };",
        "#ifdef A\nstatic int either(int a) { return 0; }\n#else\n"
        "static int either(struct dev *d, int mode) { return 0; }\n#endif\nstatic struct ops x = { .open = either };",
        "#define thing dev\nstatic int renamed(struct thing *d, int mode) { return 0; }\n"
        "static struct ops x = { .open = renamed };",
        "static int taken(int a) { return 0; }\n"
        "void set(struct ops *o, int (*open)(struct dev *, int)) { o->open = open; }",
    ],
    ids=["typedef", "alternatives", "macro", "parameter"],
)
def test_what_may_fit_is_no_mismatch(text: str) -> None:
    assert check("signature-mismatch", x=text, y="int open(int a) { return 0; }") == []


def test_an_assigned_function_is_judged_too() -> None:
    text = "static int bad(int a) { return 0; }\nvoid set(struct ops *o) { o->open = bad; }"
    assert said(check("signature-mismatch", x=text)) == [("open", "bad")]


def test_init_functions_in_a_live_table() -> None:
    text = "static int __init early(struct dev *d, int mode) { return 0; }\nstatic struct ops x%s = { .open = early };"
    assert said(check("init-in-live-table", x=text % "")) == [("open", "early")]
    assert check("init-in-live-table", x=text % " __initdata") == []
    assert check("init-in-live-table", x=text % " __refdata") == []


def test_a_table_that_only_init_code_takes_is_no_live_one() -> None:
    text = (
        "static int __init early(struct dev *d, int mode) { return 0; }\nstatic struct ops x = { .open = early };\n"
        "int __init take_now(struct ops *o) { return 0; }\nint __init go(void) { return take_now(&x); }"
    )
    assert check("init-in-live-table", x=text) == []


def test_a_slot_that_many_fill_with_init_functions_is_called_at_boot() -> None:
    text = (
        "static int __init early%s(struct dev *d, int mode) { return 0; }\nstatic struct ops x = { .open = early%s };"
    )
    assert check("init-in-live-table", x=text % (1, 1), y=text % (2, 2)) == []


def test_exit_functions_need_their_macro() -> None:
    text = "static void __devexit gone(struct dev *d) { }\n%sstatic struct ops x = { .close = %s };\n%s"
    assert said(check("exit-in-table", x=text % ("", "gone", ""))) == [("close", "gone")]
    assert check("exit-in-table", x=text % ("", "__devexit_p(gone)", "")) == []
    assert check("exit-in-table", x=text % ("#ifdef MODULE\n", "gone", "#endif")) == []


def test_devinit_where_all_others_are_plain() -> None:
    others = full(*(f"n{number}" for number in range(20)))
    text = "static int __devinit odd(struct dev *d) { return 0; }\nstatic struct ops x = { .resume = odd };"
    assert said(check("devinit-in-late-slot", **others, x=text)) == [("resume", "odd")]
    assert check("devinit-in-late-slot", **full("a", "b"), x=text) == []


def test_a_slot_that_nothing_fills() -> None:
    text = "struct more { int (*flush)(int a); int (*fill)(void); };\n"
    text += "%s\nint f(struct more *m) { %s return m->flush(1); }\n%s"
    made = "static int mine(void) { return 0; }\nstatic struct more m = { .fill = mine };"

    def flaws(before: str = "", after: str = "", made: str = made) -> list[Flaw]:
        return check("never-filled", **full("a"), x=text % (made, before, after))

    (flaw,) = flaws()
    assert (flaw.slot, flaw.status, flaw.location.function) == ("flush", Status.FAIL, "f")
    assert flaws("if (!m->flush) return 0;") == []
    assert flaws(after="int g(struct more *m) { if (m->flush) return f(m); return 0; }") == []
    assert flaws(after="void g(struct more *m, int (*h)(int)) { m->flush = h; }") == []
    assert flaws(after="#define MORE(f) { .flush = f }\n") == []
    assert flaws(after="int g(struct more *m) { TAKE_OVER(m->flush, f); return 0; }") == []
    assert flaws(after="#define SET(m, what) m->fl##what = what\n") == []
    assert flaws(after="void g(struct more *m, int (*h)(int)) { INSTALL(m, flush, h); }") == []
    assert flaws(made="") == []


def test_an_installer_that_nothing_calls() -> None:
    text = (
        "static struct ops the_ops;\nstatic void mine(struct dev *d) { }\nstatic void install(void)\n"
        "{\n\tthe_ops.close = mine;\n}\n%s"
    )
    (flaw,) = check("installer-never-runs", x=text % "/* install() is gone */")
    assert (flaw.slot, flaw.subject, flaw.location.line) == ("close", "mine", 6)
    assert check("installer-never-runs", x=text % "void f(void) { install(); }") == []
    assert check("installer-never-runs", x=text % "core_initcall(install);") == []
    assert check("installer-never-runs", x=text % "", whole='#include "x.c"\nvoid f(void) { install(); }') == []


def test_a_static_installer_of_another_folder_is_another_one() -> None:
    text = (
        "static struct ops the_ops;\nstatic void mine(struct dev *d) { }\n"
        "%s void install(void)\n{\n\tthe_ops.close = mine;\n}\n"
    )
    other = {"sub/other": "static void install(void) { }\nvoid f(void) { install(); }"}
    assert said(check("installer-never-runs", x=text % "static", **other)) == [("close", "mine")]
    assert check("installer-never-runs", x=text % "", **other) == []


def test_a_slot_that_nothing_calls() -> None:
    text = (
        "struct more { int (*flush)(int a); };\nstatic int mine(int a) { return 0; }\n"
        "static struct more m = { .flush = mine };\n%s"
    )
    assert said(check("never-called", x=text % "")) == [("flush", "")]
    assert check("never-called", x=text % "int f(struct more *m) { return m->flush(1); }") == []
    assert check("never-called", x=text % "void *f(struct more *m) { return m->flush; }") == []
    pasted = "#define CALL(m, what) ((m)->%s##what(1))"
    assert check("never-called", x=text % "", y=pasted % "fl") == []
    assert said(check("never-called", x=text % "", y=pasted % "get_")) == [("flush", "")]


def test_two_initcalls_of_one_level() -> None:
    text = (
        "%s struct ops the_ops;\nstatic void %s_close(struct dev *d) { }\nstatic int __init %s_init(void)\n"
        "{\n\t%s\n\tthe_ops.close = %s_close;\n\treturn 0;\n}\n%s(%s_init);"
    )

    def one(name: str, first: str = "", level: str = "device_initcall") -> str:
        kind = "" if name == "a" else "extern"
        return text % (kind, name, name, first, name, level, name)

    (flaw,) = check("racing-overrides", a=one("a"), b=one("b"))
    assert (flaw.slot, flaw.status) == ("close", Status.FAIL)
    assert check("racing-overrides", a=one("a"), b=one("b", "if (!ours()) return 0;")) == []
    assert check("racing-overrides", a=one("a"), b=one("b", level="late_initcall")) == []
