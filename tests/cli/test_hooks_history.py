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


def test_timeline_of_a_slot_that_never_was(kpt):
    done = kpt("hooks", "timeline", "v2.6.38..v2.6.39", "--slot", "x86_init.paging.pagetable_reserve", "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "no-such-slot"
    assert HOOK in done.json["error"]["hint"]
