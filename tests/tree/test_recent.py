"""Keeping what came last."""

from kpatch_tools.tree.recent import Recent


def test_those_that_came_first_make_room():
    recent: Recent[str, str] = Recent(10)
    for key in "abc":
        assert recent.add(key, key.upper(), 4) == key.upper()
    assert [recent.get(key) for key in "abc"] == [None, "B", "C"]


def test_what_is_heavier_than_all_the_room_drives_nothing_out():
    recent: Recent[str, str] = Recent(10)
    recent.add("a", "A", 10)
    assert recent.add("b", "B", 11) == "B"
    assert (recent.get("a"), recent.get("b")) == ("A", None)


def test_a_value_that_is_put_in_anew_weighs_once():
    recent: Recent[str, str] = Recent(10)
    for value in ("first", "second", "third"):
        recent.add("a", value, 5)
    recent.add("b", "B", 5)
    assert (recent.get("a"), recent.get("b")) == ("third", "B")
