"""The hook tables of some versions as a page: what is in it, and how a real browser shows it."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.app.hooks_page import atlas_dot, atlas_page, survey_versions
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

VERSIONS = ("v2.6.38", "v2.6.39", "v3.1")
Browser = Callable[..., bytes]

MEASURE = """<script>
const field = document.getElementById('search'), words = () => [...document.querySelectorAll('tbody tr')]
  .filter(row => row.getBoundingClientRect().height > 0).map(row => row.querySelector('.slot').textContent);
const all = words().length;
field.value = 'XEN pagetable_reserve'; field.dispatchEvent(new Event('input'));
const found = words(), said = document.getElementById('hits').textContent;
field.value = 'nothing_of_this_name'; field.dispatchEvent(new Event('input'));
const none = words().length;
field.blur(); document.dispatchEvent(new KeyboardEvent('keydown', {key: '/'}));
const focused = document.activeElement === field;
field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
document.body.dataset.measured = JSON.stringify({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  all, found, said, none, focused, again: words().length,
});
</script></body>"""
"""Put into a copy of the page, which then says what its search finds."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def report(tree):
    return survey_versions(tree, VERSIONS)


@pytest.fixture(scope="module")
def page(report) -> str:
    return atlas_page(report).decode()


def test_every_slot_is_there_with_who_fills_it(report, page):
    for table in report.tables:
        assert f'id="t-{table.name}"' in page
        for row in table.rows:
            assert row.path.replace(".", ".<wbr>") in page
    assert "xen_mapping_pagetable_reserve" in page
    assert "v2.6.39 to v3.1" in page
    assert "kpt hooks --html atlas.html --rev v2.6.38 --rev v2.6.39 --rev v3.1" in page


def test_the_page_is_the_same_for_the_same_report_and_loads_nothing(report, page):
    assert atlas_page(report).decode() == page
    assert not re.search(r"""(?:src|href)=["'](?!#)|url\(|@import|https?:""", page)


def test_what_a_source_says_is_text(tmp_path: Path):
    tree = KernelTree.create(tmp_path / "kernel.git", branch="main")
    files = {
        "Makefile": b"",
        "include/linux/init.h": b"",
        "arch/x86/ops.h": b"struct ops { void (*f)(void); };\nextern struct ops board;\n",
        "arch/x86/ops.c": b'struct ops board = { .f = named("</script><b>\xff", 1 && 2), };\n',
    }
    oid = tree.write(
        base=tree.empty_tree(),
        changes={RepoPath(path): data for path, data in files.items()},
        message=b"All\n",
        author=Signature("A", "a@example.org"),
        committer=Signature("A", "a@example.org"),
    )
    report = survey_versions(tree, [oid])
    page = atlas_page(report).decode()
    assert "&lt;/script&gt;&lt;b&gt;?" in page
    assert page.count("</script>") == 1
    assert "<b>" not in page
    assert "named" in atlas_dot(report).encode("utf-8").decode()


def test_the_graph_is_of_the_last_version(report):
    text = atlas_dot(report)
    assert "hook tables of v3.1" in text
    assert '"slot x86_init.mapping.pagetable_reserve" -> "function native_pagetable_reserve";' in text


def test_what_is_nowhere_is_refused(tree):
    with pytest.raises(KpatchError) as caught:
        survey_versions(tree, VERSIONS, tables=("x86_init", "x86_inti"))
    assert caught.value.code == "no-such-table"
    assert "x86_inti" in caught.value.message


@pytest.mark.slow
@pytest.mark.parametrize("width", [500, 1600])
def test_it_is_searched_and_nothing_overflows(browse: Browser, page: str, report, width: int) -> None:
    # The page's own script runs under the page's policy; only ours needs that to be lifted.
    dom = browse(page, "--dump-dom", scripts=True).decode()
    slots = sum(len(table.rows) for table in report.tables)
    assert f">{slots} slots</output>" in dom
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", MEASURE)
    dom = browse(free, f"--window-size={width},900", "--dump-dom", scripts=True).decode()
    found = re.search(r'data-measured="([^"]*)"', dom)
    assert found is not None, "the page was not laid out"
    assert json.loads(html.unescape(found[1])) == {
        "overflow": 0,
        "all": slots,
        "found": ["mapping.pagetable_reserve"],
        "said": f"1 of {slots} slots",
        "none": 0,
        "focused": True,
        "again": slots,
    }


@pytest.mark.slow
def test_a_search_can_be_handed_on_as_a_link(browse: Browser, page: str, report) -> None:
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    arrived = free.replace("<head>", "<head><script>location.hash = '#find=xen%20pagetable_reserve';</script>", 1)
    dom = browse(arrived, "--dump-dom", scripts=True).decode()
    slots = sum(len(table.rows) for table in report.tables)
    assert f">1 of {slots} slots</output>" in dom
    typed = """<script>
const field = document.getElementById('search');
field.value = 'a b/c%'; field.dispatchEvent(new Event('input'));
document.body.dataset.typed = location.hash;
</script></body>"""
    dom = browse(free.replace("</body>", typed), "--dump-dom", scripts=True).decode()
    assert 'data-typed="#find=a%20b%2Fc%25"' in dom


@pytest.mark.slow
def test_the_text_is_there_without_scripts(browse: Browser, page: str, tmp_path: Path) -> None:
    dom = browse(page, "--dump-dom").decode()
    assert "xen_mapping_pagetable_reserve" in dom
    assert re.search(r'<div id="find"[^>]*hidden', dom)
    assert not re.search(r"<tr [^>]*hidden", dom)
    file = tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={file}", "--no-pdf-header-footer")
    assert file.read_bytes().startswith(b"%PDF-")
