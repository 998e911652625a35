"""The commit that brought something, found by the code."""

import pytest
from kpatch_tools.backport import find_tips
from kpatch_tools.backport.origin import find_origin
from kpatch_tools.backport.past import WalkedPast


def present(source):
    return b"slot" in (source.read("a.h") or b"")


@pytest.fixture
def find(history):
    def find(target):
        found = find_origin(
            WalkedPast(history.tree), target=target, tips=find_tips(history.tree), present=present, paths=("a.h",)
        )
        return None if found is None else found.oid

    return find


def test_below_the_target_and_beside_it(history, find):
    first = history.commit({"a.h": "one\n"})
    brings = history.commit({"a.h": "one\nslot\n"}, on=first)
    last = history.commit({"a.h": "one\nslot\nmore\n"}, on=brings, tag="tip")
    assert find(last) == brings
    assert find(first) == brings


def test_an_import_without_history_finds_it_elsewhere(history, find):
    first = history.commit({"a.h": "one\n"})
    brings = history.commit({"a.h": "one\nslot\n"}, on=first, tag="tip")
    vendor = history.commit({"a.h": "one\nslot\n", "b.h": ""}, "import")
    assert find(vendor) == brings


def test_a_backport_is_not_the_origin(history, find):
    first = history.commit({"a.h": "one\n"})
    brings = history.commit({"a.h": "one\nslot\n"}, on=first, tag="tip")
    other = history.commit({"a.h": "zero\none\n"}, on=first)
    stable = history.commit({"a.h": "zero\none\nslot\n"}, f"it\n\ncommit {brings} upstream.", on=other, tag="stable")
    assert find(stable) == brings


def test_no_history_says_nothing(history, find):
    assert find(history.commit({"a.h": "slot\n"})) is None


def test_of_two_histories_the_nearer_one_counts(history, find):
    """As after a rewrite that left the old branches in the repository."""
    root = history.commit({"a.h": "one\n"})
    far = history.commit({"a.h": "one\nslot\n"}, on=root, tag="far")
    near = history.commit({"b.h": "x\n"}, on=root)
    brings = history.commit({"a.h": "one\nslot\n"}, on=near, tag="near")
    assert far != brings
    assert find(near) == brings
