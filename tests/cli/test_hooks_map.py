"""kpt hooks --list, --table TYPE, --slot and --function, as typed."""

from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

HOOK = "x86_init.mapping.pagetable_reserve"
AT = ("hooks", "--rev", "v2.6.39")

HEADER = b"""\
struct board_ops {
	int (*start)(int cpu);
	void (*stop)(void);
};
extern struct board_ops board;
"""
USER = b"""\
static int __init real_start(int cpu) { return cpu; }
struct board_ops board __initdata = { .start = real_start };
struct board_ops spare[2] = { { .stop = real_stop }, { .stop = real_stop } };
void setup(struct unknown *one)
{
	if (board.stop)
		board.stop();
	one->stop();
}
"""
DAMAGED = b"""\
int fine(void) { return 0; }
int ) broken board_ops real_start ( {{{ ;;
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel of which a part is no C."""
    path = tmp_path_factory.mktemp("kernel") / "kernel.git"
    tree = KernelTree.create(path, branch="main")
    files = {
        "Makefile": b"",
        "include/linux/init.h": b"",
        "arch/x86/include/asm/board.h": HEADER,
        "arch/x86/kernel/board.c": USER,
        "drivers/damaged.c": DAMAGED,
    }
    who = Signature("A", "a@example.org")
    oid = tree.write(
        base=tree.empty_tree(),
        changes={RepoPath(file): data for file, data in files.items()},
        message=b"All\n",
        author=who,
        committer=who,
    )
    tree.move("refs/heads/main", oid)
    return path


def test_the_list_is_for_grep_where_it_is_piped(kpt):
    done = kpt(*AT, "--list")
    assert done.code == 0
    lines = done.out.decode().splitlines()
    row = next(line.split("\t") for line in lines if line.startswith("struct x86_init_ops\t"))
    assert row[1:4] == ["10", "own", "x86_init"]
    assert row[4].startswith("arch/x86/include/asm/x86_init.h:")
    assert any(line.startswith("struct x86_init_mapping\t1\town\tx86_init.mapping\t") for line in lines)
    assert lines[-1].endswith("all of it was understood")
    types = {one["type"]: one for one in kpt(*AT, "--list", "--json").json["types"]}
    assert types["struct x86_init_ops"]["kind"] == "own"
    assert [one["name"] for one in types["struct x86_init_ops"]["instances"]] == ["x86_init"]


def test_a_slots_whole_story(kpt):
    done = kpt(*AT, "--slot", HOOK)
    assert done.code == 0
    lines = done.out.decode().splitlines()
    assert lines[0].startswith("x86_init  struct x86_init_ops  arch/x86/include/asm/x86_init.h:")
    kinds = [line.split()[0] for line in lines if line.startswith("    ")]
    assert kinds == ["variable", "default", "override", "call", "function", "function"]
    (story,) = kpt(*AT, "--slot", HOOK, "--json").json["stories"]
    assert story["variable"] == "x86_init"
    slot = story["slot"]
    assert slot["signature"] == "void (*pagetable_reserve)(u64 start, u64 end)"
    assert [one["function"] for one in slot["defaults"]] == ["native_pagetable_reserve"]
    assert [(one["function"], one["in"]) for one in slot["overrides"]] == [
        ("xen_mapping_pagetable_reserve", "xen_init_mmu_ops")
    ]
    assert [(one["function"], one["guarded"]) for one in slot["calls"]] == [("init_memory_mapping", False)]
    assert [(one["name"], one["section"]) for one in story["definitions"]] == [
        ("native_pagetable_reserve", "__init"),
        ("xen_mapping_pagetable_reserve", "__init"),
    ]


def test_what_a_function_serves(kpt):
    done = kpt(*AT, "--function", "xen_mapping_pagetable_reserve", "--json")
    (service,) = done.json["services"]
    assert (service["type"], service["path"]) == ("struct x86_init_ops", "mapping.pagetable_reserve")
    assert (service["in"], service["variable"]) == ("xen_init_mmu_ops", "x86_init")
    text = kpt(*AT, "--function", "setup_arch").out.decode()
    assert text.startswith("setup_arch  at v2.6.39: serves 0 slots")


def test_a_table_is_a_type_or_a_variable(kpt):
    (by_type,) = kpt(*AT, "--table", "struct x86_init_ops", "--json").json["types"]
    assert [slot["path"] for slot in by_type["slots"]][:1] == ["resources.probe_roms"]
    assert kpt(*AT, "--table", "x86_init_ops", "--json").json["types"] == [by_type]
    (by_variable,) = kpt(*AT, "--table", "x86_init", "--json").json["tables"]
    assert [slot["path"] for slot in by_variable["slots"]] == [slot["path"] for slot in by_type["slots"]]
    text = kpt(*AT, "--table", "struct x86_init_ops").out.decode()
    assert "10 slots, 10 defaults, 6 overrides, 10 call sites" in text


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("--table", "x86_inti"), "no-such-table", "did you mean x86_init"),
        (("--table", "struct x86_init_op"), "no-such-table", "did you mean struct x86_init_ops"),
        (("--slot", "x86_init.mappin.pagetable_reserve"), "no-such-slot", f"did you mean {HOOK}?"),
        (("--slot", "x86_init"), "no-such-slot", "its slots: resources.probe_roms"),
        (("--slot", "x86_inti.oem.banner"), "no-such-table", "did you mean x86_init"),
        (("--function", "nobody"), "no-such-function", "as C does"),
        (("--list", "--scope", "no/such/folder"), "empty-scope", "arch/x86"),
    ],
)
def test_what_is_not_there_is_refused_and_the_next_step_named(kpt, arguments, code, hint):
    done = kpt(*AT, *arguments, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code)
    assert hint in done.json["error"]["hint"]


@pytest.mark.parametrize(
    "arguments",
    [("--list", "--slot", HOOK), ("--table", "x86_init", "--function", "f"), ("--slot", ""), ("--list", "--dot")],
)
def test_one_question_at_a_time(kpt, arguments):
    done = kpt(*AT, *arguments)
    assert done.code == 2
    assert "Error: " in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--table", "struct board_ops"),
        ("--slot", "board.start"),
        ("--function", "real_start"),
    ],
)
def test_strict_is_3_where_the_name_is_in_what_was_not_understood(kpt, kernel: Path, arguments):
    text = kpt("hooks", *arguments, repo=kernel)
    assert text.code == 0
    assert "not understood: drivers/damaged.c:" in text.out.decode()
    assert "in 1 file were not understood" in text.out.decode().splitlines()[-1]
    assert kpt("hooks", *arguments, "--strict", repo=kernel).code == 3
    # What is elsewhere does not count.
    assert kpt("hooks", *arguments, "--strict", "--scope", "arch/x86", repo=kernel).code == 0
    assert kpt("hooks", "--list", "--strict", repo=kernel).code == 0


def test_what_may_belong_to_a_slot_is_told_beside_it(kpt, kernel: Path):
    done = kpt("hooks", "--table", "struct board_ops", "--json", repo=kernel)
    (table,) = done.json["types"]
    assert [(one["name"], one["array"], one["elements"]) for one in table["instances"]] == [
        ("board", False, 1),
        ("spare", True, 2),
    ]
    stop = next(slot for slot in table["slots"] if slot["path"] == "stop")
    assert [(one["variable"], one["element"]) for one in stop["defaults"]] == [("spare", 0), ("spare", 1)]
    assert [one["guarded"] for one in stop["calls"]] == [True]
    assert [one["text"] for one in table["unresolved"]] == ["one.stop"]
    assert "1 use of members of such names may belong here, too" in (
        kpt("hooks", "--table", "struct board_ops", repo=kernel).out.decode()
    )


def test_the_index_is_kept_in_the_cache_folder_and_may_be_deleted(kpt, tmp_path: Path):
    cache = tmp_path / "cache"
    first = kpt(*AT, "--list", KPT_CACHE_DIR=str(cache))
    (index,) = (cache / "hook-index").glob("*.sqlite")
    assert kpt(*AT, "--list", KPT_CACHE_DIR=str(cache)) == first
    index.write_bytes(b"not an index any more")
    again = kpt(*AT, "--list", KPT_CACHE_DIR=str(cache))
    assert again.out == first.out
    assert "made anew" in again.err
