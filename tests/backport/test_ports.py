"""A model that is asked once."""

from kpatch_tools.backport import LayoutVerdict, ModelResult, RememberingModel, Verdict
from kpatch_tools.core.source import Overlay


class Counting:
    def __init__(self):
        self.asked = []

    def concerns(self, paths):
        return True

    def run(self, source, *, first=(), until_fault=False):
        self.asked.append((first, until_fault))
        return ModelResult((LayoutVerdict("512M", Verdict.OK),))


def test_the_same_version_is_run_once(history):
    source = history.tree.at(history.commit({"a.c": "int a;\n"}))
    model = RememberingModel(counting := Counting())
    model.run(source)
    model.run(Overlay(source, {}), first=("512M",))
    model.run(source, until_fault=True)
    assert counting.asked == [((), False)]
    model.run(Overlay(source, {"a.c": b"int b;\n"}))
    model.run(Overlay(source, {"a.c": b"int b;\n"}))
    model.run(Overlay(source, {"a.c": None}))
    assert len(counting.asked) == 3


def test_a_run_that_may_stop_early_says_nothing_about_all(history):
    source = history.tree.at(history.commit({"a.c": "int a;\n"}))
    model = RememberingModel(counting := Counting())
    model.run(source, until_fault=True)
    model.run(source, until_fault=True)
    model.run(source)
    assert counting.asked == [((), True), ((), False)]


def test_what_cannot_be_told_apart_is_run_again(sources):
    model = RememberingModel(counting := Counting())
    model.run(sources({}))
    model.run(sources({}))
    assert len(counting.asked) == 2


def test_the_worst_layout_names_the_whole():
    runs = tuple(LayoutVerdict(name, verdict) for name, verdict in [("a", Verdict.OK), ("b", Verdict.UNDETERMINED)])
    assert ModelResult(runs).verdict is Verdict.UNDETERMINED
    assert ModelResult((*runs, LayoutVerdict("c", Verdict.RO_LEFT_OVER))).verdict is Verdict.RO_LEFT_OVER
    assert ModelResult().verdict is Verdict.NOT_RUN
    assert not ModelResult().verdict.faults
