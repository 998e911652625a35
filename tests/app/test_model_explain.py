"""The use case: one version or two, and the page made of them."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.explain_page import explain_page
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_explain import ExplainReport, explain
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.patch import parse_patch
from kpatch_tools.resources import data_dir
from kpatch_tools.tree import KernelTree

HOOK = "pagetable_reserve"
HOLE = parse_layout("1200M,hole=1180M+18M")
SMALL = parse_layout("64M")
HOSTILE = "<script>alert('&')</script>\""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def report(tree: KernelTree) -> ExplainReport:
    """The commit before the hook, without and with it."""
    return explain(tree, "v2.6.39~3", HOLE, hook=HOOK, progress=lambda _text: None)


@pytest.fixture(scope="module")
def page(report: ExplainReport) -> str:
    return explain_page(report).decode()


def test_both_versions_are_told_and_the_last_decides(report: ExplainReport) -> None:
    assert [side.label for side in report.sides] == ["without", "with"]
    assert [side.history.run.verdict for side in report.sides] == [Verdict.RO_LEFT_OVER, Verdict.OK]
    assert report.exit is Exit.DONE


def test_a_hook_that_is_there_is_taken_out_for_the_first_side(tree: KernelTree) -> None:
    report = explain(tree, "v2.6.39", SMALL, hook=HOOK, progress=lambda _text: None)
    assert [side.history.run.verdict for side in report.sides] == [Verdict.CRASH, Verdict.OK]


def test_a_patch_is_a_second_version(tree: KernelTree) -> None:
    (file,) = (data_dir("fixtures") / "miniature" / "series").glob("13-*.patch")
    patch = parse_patch(file.read_bytes())
    report = explain(tree, "v2.6.39~3", SMALL, patch=("a.patch", patch), progress=lambda _text: None)
    assert report.patch == "a.patch"
    assert [side.history.run.verdict for side in report.sides] == [Verdict.CRASH, Verdict.OK]


def test_a_patch_that_does_not_apply_is_refused(tree: KernelTree) -> None:
    (file,) = (data_dir("fixtures") / "miniature" / "series").glob("13-*.patch")
    patch = parse_patch(file.read_bytes())
    with pytest.raises(KpatchError) as error:
        explain(tree, "v3.9", SMALL, patch=("a.patch", patch), progress=lambda _text: None)
    assert error.value.code == "patch-does-not-apply"


def test_one_version_that_fails_has_a_smallest_machine(tree: KernelTree) -> None:
    report = explain(tree, "v2.6.39-rc5", HOLE, progress=lambda _text: None)
    (side,) = report.sides
    assert report.exit is Exit.PERSON
    assert side.smallest is not None
    assert side.smallest.attempts[-1].same
    assert side.smallest.layout.name == side.smallest.attempts[-1].layout.name != HOLE.name


def test_a_good_boot_has_no_smallest_machine(report: ExplainReport) -> None:
    assert report.sides[-1].smallest is None


# --- the page


class Outline(HTMLParser):
    """Elements, ids, attributes, and whether every element that is opened is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})
    DRAWN = frozenset({"rect", "line", "path", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.classes: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "class":
                self.classes.update((value or "").split())
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a beginning"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_well_formed_and_has_its_parts(page: str) -> None:
    outline = Outline(page)
    assert {"report", "strip", "smallest", "table"} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.seen.count("title") > 1


def test_the_page_asks_for_nothing_from_elsewhere(page: str) -> None:
    outline = Outline(page)
    assert not {"script", "link", "iframe", "img", "object"} & set(outline.seen)
    assert not {name for name in outline.attributes if name.startswith("on")} & outline.attributes
    assert not {"src", "href", "srcset", "action"} & outline.attributes
    assert not re.search(r"https?:|//\w|@import", page)
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {
        f"#{name}" for name in re.findall(r'pattern id="([^"]+)"', page)
    }
    assert "default-src 'none'" in page


def test_every_state_has_a_pattern_and_words_of_its_own(page: str) -> None:
    outline = Outline(page)
    for name in ("free", "reserved", "kernel", "firmware", "absent", "l1", "l2", "l3", "l4"):
        assert f"u-{name}" in outline.classes
    for name in ("none", "read-only", "writable"):
        assert f"a-{name}" in outline.classes
    patterns = re.findall(r'<pattern id="[^"]+".*?</pattern>', page)
    shapes = [re.sub(r"var\([^)]*\)|#[0-9a-f]+|id=\"[^\"]+\"", "", pattern) for pattern in patterns]
    assert len(set(shapes)) == len(shapes) >= 8


def test_each_strip_has_words_for_who_cannot_see_it(report: ExplainReport, page: str) -> None:
    moments = sum(len(side.history.moments) for side in report.sides)
    assert page.count('class="strip" role="img" aria-label="Moment ') == moments
    assert page.count('<th scope="row"') == moments


def test_the_page_tells_the_fault(report: ExplainReport, page: str) -> None:
    fault = report.sides[0].history.run.fault
    assert fault is not None
    for words in (fault.kind, f"pfn {fault.pfn:x}", "pgt_buf_start", "phys_pte_init", "arch/x86/mm/init_64.c:"):
        assert words in page
    assert "fails the same way" in page


def test_names_are_escaped(report: ExplainReport) -> None:
    hostile = replace(
        report,
        revision=replace(report.revision, spelled=HOSTILE),
        layout=replace(report.layout, name=HOSTILE),
        patch=HOSTILE,
    )
    moment = replace(hostile.sides[0].history.moments[-1], what=HOSTILE, stage=HOSTILE, said=(HOSTILE,))
    history = replace(hostile.sides[0].history, moments=(moment,))
    hostile = replace(hostile, sides=(replace(hostile.sides[0], history=history), hostile.sides[1]))
    text = explain_page(hostile).decode()
    outline = Outline(text)
    assert "script" not in outline.seen
    assert HOSTILE in "".join(outline.text)


def test_the_same_report_is_the_same_bytes(tree: KernelTree, report: ExplainReport, page: str) -> None:
    again = explain(tree, "v2.6.39~3", HOLE, hook=HOOK, progress=lambda _text: None)
    assert again == report
    assert explain_page(again).decode() == page


def test_a_good_boot_has_a_page_too(tree: KernelTree) -> None:
    text = explain_page(explain(tree, "v2.6.39", SMALL, progress=lambda _text: None)).decode()
    Outline(text)
    assert "nothing was refused" in text
    assert "nothing smaller was tried" in text


def test_what_cannot_be_said_is_no_success(report: ExplainReport) -> None:
    last = report.sides[-1]
    run = replace(last.history.run, verdict=Verdict.UNDETERMINED, reason="a construct at mm/init.c:7")
    unsure = replace(report, sides=(report.sides[0], replace(last, history=replace(last.history, run=run))))
    assert unsure.exit is Exit.UNDETERMINED
    text = explain_page(unsure).decode()
    assert "a construct at mm/init.c:7" in text
    assert "? UNDETERMINED" in text
    assert "nothing was refused" not in text


# --- colours


def _schemes(page: str) -> list[dict[str, str]]:
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in page.split(":root {")[1:3])
    return [light, {**light, **dark}]


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_and_marks_stand_out(page: str, scheme: int) -> None:
    """WCAG 2.1: 4.5 for text, 3 for what carries a meaning without words."""
    colours = _schemes(page)[scheme]
    for words in ("ink", "soft", "good", "bad", "unsure", "fault"):
        for ground in ("paper", "panel"):
            assert _contrast(colours[words], colours[ground]) >= 4.5, (words, ground)
    for mark in ("ro", "rw", "stroke", "mark"):
        assert _contrast(colours[mark], colours["paper"]) >= 3, mark


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_read_only_and_writable_differ_in_brightness_or_pattern(page: str, scheme: int) -> None:
    colours = _schemes(page)[scheme]
    assert colours["ro"] != colours["rw"]
    assert ".a-read-only { fill: url(#p-ro); }" in page
    assert ".a-writable { fill: var(--rw);" in page
