"""The search for what has to come first."""

import pytest
from kpatch_tools.backport.inverse import reverts
from kpatch_tools.backport.prerequisites import (
    MAX_JUDGED,
    Found,
    Judgement,
    NotFound,
    Ruling,
    search_prerequisites,
    select_candidates,
)

PLAIN = "".join(f"line {number}\n" for number in range(1, 60))


def lines(*changed):
    """The file with these lines changed."""
    text = PLAIN
    for number in changed:
        text = text.replace(f"line {number}\n", f"line {number} changed\n")
    return text


@pytest.fixture
def series(history):
    """A target, and upstream commits that change lines 5, 20 and 40, one after the other."""
    base = history.commit({"a.c": PLAIN}, "base")
    changes, done = [], []
    for number in (5, 20, 40):
        done.append(number)
        changes.append(history.change(history.commit({"a.c": lines(*done)}, f"change {number}", on=base)))
        base = changes[-1].commit
    return changes


def needs(*numbers):
    def judge(trial):
        data = trial.after.read("a.c") or b""
        missing = [number for number in numbers if f"line {number} changed".encode() not in data]
        return Judgement(Ruling.FAIL, f"{missing} missing") if missing else Judgement(Ruling.PASS, "")

    return judge


def take_nothing(source):
    return {}


@pytest.mark.parametrize("wanted", [(5,), (20,), (5, 40), (20, 40), (5, 20, 40)])
def test_the_smallest_set_in_upstreams_order(history, series, wanted):
    target = series[0].before
    found = search_prerequisites(target, series, take_nothing, [needs(*wanted)])
    assert isinstance(found, Found)
    assert [change.subject for change in found.commits] == [f"change {number}" for number in wanted]


def test_no_set_will_do(series):
    found = search_prerequisites(series[0].before, series, take_nothing, [needs(7)])
    assert found == NotFound(3, 7, None)


def test_not_knowing_is_said(series):
    found = search_prerequisites(
        series[0].before, series, take_nothing, [lambda _: Judgement(Ruling.UNDETERMINED, "no idea")]
    )
    assert isinstance(found, NotFound)
    assert found.undetermined == "no idea"


def test_a_subject_that_does_not_go_on_is_not_judged(series):
    asked = []

    def attempt(source):
        return {} if b"line 20 changed" in (source.read("a.c") or b"") else None

    def judge(trial):
        asked.append(trial)
        return Judgement(Ruling.PASS, "")

    found = search_prerequisites(series[0].before, series, attempt, [judge])
    assert [change.subject for change in found.commits] == ["change 20"]
    assert len(asked) == 1


def test_cheap_criteria_spare_the_dear_ones(series):
    dear = []

    def judge(trial):
        dear.append(trial)
        return Judgement(Ruling.PASS, "")

    search_prerequisites(series[0].before, series, take_nothing, [needs(40), judge])
    assert len(dear) == 1


def test_the_search_is_bounded(history):
    base = history.commit({"a.c": PLAIN}, "base")
    target, changes = history.tree.at(base), []
    for number in range(2, 58):
        oid = history.commit({"a.c": lines(number)}, f"change {number}", on=base)
        changes.append(history.change(oid))
    asked = []

    def judge(trial):
        asked.append(trial)
        return Judgement(Ruling.FAIL, "never")

    found = search_prerequisites(target, changes, take_nothing, [judge])
    assert isinstance(found, NotFound)
    assert len(asked) == MAX_JUDGED
    assert "ends after" in (found.undetermined or "")


def test_what_is_there_is_no_candidate(history, series):
    target = history.tree.at(series[0].commit)
    assert [change.subject for change in select_candidates(series, target)] == ["change 20", "change 40"]


def test_a_revert_is_known_by_what_it_does(history, series):
    undone = history.change(history.commit({"a.c": lines(5, 20)}, "whatever", on=series[2].commit))
    assert reverts(undone, series[2])
    assert not reverts(undone, series[1])
    assert not reverts(series[2], series[1])
    assert select_candidates([*series, undone], series[0].before) == tuple(series[:2])
    with_the_first = history.tree.at(series[2].commit)
    assert select_candidates([undone], with_the_first) == (undone,)


def test_a_partial_revert_counts_where_its_subject_says_so(history):
    base = history.commit({"a.c": PLAIN}, "base")
    more = history.change(history.commit({"a.c": lines(5, 6, 7)}, "more of it", on=base))
    partly = history.change(history.commit({"a.c": lines(7)}, 'Revert "more of it"', on=more.commit))
    other = history.change(history.commit({"a.c": lines(7)}, "less of it", on=more.commit))
    assert reverts(partly, more)
    assert not reverts(other, more)


def test_a_prerequisite_that_git_does_not_merge_is_carried_where_that_is_proved(history):
    """The target has the line that upstream changes between other neighbours."""
    head, tail = "int f(int a)\n{{\n\tprepare(a);\n\t{}(a);\n", "\tadd_two_words(a);\n\treturn a;\n}}\n"
    form = head + tail.replace("add_two_words", "{}")
    base = history.commit({"a.c": form.format("note_it_down", "add_two_words")}, "base")
    first = history.change(history.commit({"a.c": form.format("note_it_down", "add_three_words")}, "first", on=base))
    target = history.tree.at(history.commit({"a.c": form.format("write_it_down", "add_two_words")}, "own", on=base))
    found = search_prerequisites(target, [first], take_nothing, [])
    assert isinstance(found, Found)
    assert found.trial.changes == {"a.c": form.format("write_it_down", "add_three_words").encode()}
