"""kpt hooks timeline and diff, as typed."""

HOOK = "x86_init.mapping.pagetable_reserve"


def test_timeline_as_text_and_as_json(kpt):
    as_text = kpt("hooks", "timeline", "v2.6.38..v2.6.39", "--table", "x86_init")
    assert as_text.code == 0
    lines = as_text.out.decode().splitlines()
    assert lines[0] == "v2.6.38..v2.6.39: x86_init; all commits"
    born = next(number for number, line in enumerate(lines) if line.startswith(f"    born     {HOOK}  void (*"))
    assert lines[born - 1].endswith("introduce x86_init.mapping.pagetable_reserve")
    done = kpt("hooks", "timeline", "v2.6.38..v2.6.39", "--slot", HOOK, "--json")
    assert done.code == 0
    (stretch,) = done.json["stretches"]
    (entry,) = stretch["entries"]
    assert len(entry["commit"]) == 40
    assert entry["author_date"][:2] == "20"
    (event,) = entry["events"]
    assert (event["kind"], event["name"], event["old_name"]) == ("born", HOOK, None)
    assert event["signature"] == "void (*pagetable_reserve)(u64 start, u64 end)"
    assert stretch["has_history"]
    assert stretch["not_understood"] == []


def test_timeline_of_two_revisions_is_that_of_the_range(kpt):
    as_range = kpt("hooks", "timeline", "v2.6.38..v2.6.39", "--json")
    assert kpt("hooks", "timeline", "v2.6.38", "v2.6.39", "--json") == as_range
    chain = kpt("hooks", "timeline", "v2.6.38", "v2.6.39", "v3.1", "--json").json["stretches"]
    assert chain[0] == as_range.json["stretches"][0]
    assert [one["new"]["revision"] for one in chain] == ["v2.6.39", "v3.1"]


def test_timeline_of_a_slot_that_never_was(kpt):
    done = kpt("hooks", "timeline", "v2.6.38..v2.6.39", "--slot", "x86_init.paging.pagetable_reserve", "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "no-such-slot"
    assert HOOK in done.json["error"]["hint"]


def test_diff_as_text_and_as_json(kpt):
    as_text = kpt("hooks", "diff", "v2.6.38", "v2.6.39", "--table", "x86_init")
    assert as_text.code == 0
    lines = as_text.out.decode().splitlines()
    added = lines.index(f"  added    {HOOK}  void (*pagetable_reserve)(u64 start, u64 end)")
    assert lines[added + 1].startswith("      default  + native_pagetable_reserve  arch/x86/kernel/x86_init.c:")
    assert lines[added + 2].startswith(
        "      override + xen_mapping_pagetable_reserve  in xen_init_mmu_ops, arch/x86/xen"
    )
    assert lines[added + 3].startswith("      call     + in init_memory_mapping, arch/x86/mm/init.c:")
    done = kpt("hooks", "diff", "v2.6.38", "v2.6.39", "--json")
    (slot,) = [one for table in done.json["tables"] for one in table["slots"] if one["change"] != "kept"]
    assert (slot["change"], slot["name"], slot["old_name"]) == ("added", HOOK, None)
    assert [use["role"] for use in slot["uses"]] == ["default", "override", "call"]


def test_diff_says_by_its_exit_code_what_it_is_asked_to(kpt):
    pair = ("v2.6.38", "v2.6.39", "--table", "x86_init")
    assert kpt("hooks", "diff", *pair, "--exit-code").code == 1
    same = kpt("hooks", "diff", "v2.6.39", "v2.6.39", "--exit-code")
    assert same.code == 0
    assert "no difference" in same.out.decode()


def test_diff_of_a_table_that_is_not_there(kpt):
    done = kpt("hooks", "diff", "v2.6.38", "v2.6.39", "--table", "x86_inti")
    assert done.code == 2
    assert "[no-such-table]" in done.err
