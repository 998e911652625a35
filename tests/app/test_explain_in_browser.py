"""The page as a real browser shows it: without network, without scripts, wide and narrow, light and dark.

Needs Chromium (or Chrome) on PATH or in CHROMIUM; skipped where there is none.
"""

import html
import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.app.explain_page import explain_page
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_explain import explain
from kpatch_tools.model import parse_layout
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.slow

HOLE = parse_layout("1200M,hole=1180M+18M")

MEASURE = """<script>
const visible = [...document.querySelectorAll('.axis text')].filter(one => one.getBoundingClientRect().width > 0);
const boxes = visible.map(one => [one.textContent, one.getBoundingClientRect(), one.closest('svg')]);
const touching = [];
for (const [name, a, svg] of boxes) for (const [other, b, also] of boxes)
  if (a !== b && svg === also && a.left < b.right && b.left < a.right
      && a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2)
    touching.push(name + '|' + other);
const strips = [...document.querySelectorAll('svg.strip')].map(one => one.getBoundingClientRect());
document.body.dataset.measured = JSON.stringify({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  touching, labels: visible.length, strips: strips.length,
  thin: strips.filter(one => one.width < 200 || one.height < 30).length,
  columns: new Set(strips.map(one => Math.round(one.left))).size,
});
</script></body>"""
"""Put into a copy of the page, which then says how it was laid out."""

Browser = Callable[..., bytes]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The commit before the hook, without and with it, where a hole lies high in memory."""
    tree = KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))
    report = explain(tree, "v2.6.39~3", HOLE, hook="pagetable_reserve", progress=lambda _text: None)
    return explain_page(report).decode()


def measured(browse: Browser, page: str, width: int) -> dict[str, object]:
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", MEASURE)
    dom = browse(free, f"--window-size={width},900", "--dump-dom", scripts=True).decode()
    found = re.search(r'data-measured="([^"]*)"', dom)
    assert found is not None, "the page was not laid out"
    values: dict[str, object] = json.loads(html.unescape(found[1]))
    return values


@pytest.mark.parametrize(("width", "columns"), [(400, 1), (700, 1), (1100, 2), (1900, 2)])
def test_nothing_overflows_and_no_labels_touch(browse: Browser, page: str, width: int, columns: int) -> None:
    found = measured(browse, page, width)
    assert found["overflow"] == 0
    assert found["touching"] == []
    assert found["thin"] == 0
    assert found["columns"] == columns
    assert isinstance(found["labels"], int)
    assert found["labels"] >= 6


def test_scripts_are_off_unless_asked_for(browse: Browser) -> None:
    page = "<!DOCTYPE html><body><p>plain</p><script>document.body.dataset.ran = 'yes'</script></body>"
    assert b"data-ran" not in browse(page, "--dump-dom")
    assert b"data-ran" in browse(page, "--dump-dom", scripts=True)


def test_the_text_is_there_without_scripts(browse: Browser, page: str) -> None:
    dom = browse(page, "--dump-dom").decode()
    for words in ("RO-LEFT-OVER", "pgt_buf_top", "made writable", "Memory over time", "phys_pte_init"):
        assert words in dom


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_colour_is_drawn_without_scripts(browse: Browser, page: str, tmp_path: Path, dark: bool) -> None:
    shot = tmp_path / "shot.png"
    settings = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    browse(page, settings, "--window-size=1300,4200", f"--screenshot={shot}")
    colours = pixels(shot.read_bytes())
    light, darker = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in page.split(":root {")[1:3])
    scheme = {**light, **darker} if dark else light
    ground = max(colours, key=lambda colour: colours[colour])
    assert ground == rgb(scheme["paper"])
    for name in ("l1", "l2", "l3", "l4", "kernel", "reserved", "fault"):
        assert colours[rgb(scheme[name])] > 20, name
    # Thin and half transparent strokes mix with what is below: near enough is good enough.
    for name in ("ro", "rw"):
        assert sum(count for colour, count in colours.items() if near(colour, rgb(scheme[name]))) > 100, name


def test_it_prints(browse: Browser, page: str, tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={file}", "--no-pdf-header-footer")
    assert file.read_bytes().startswith(b"%PDF-")


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def near(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) <= 60 for a, b in zip(one, other, strict=True))


def pixels(data: bytes) -> Counter[tuple[int, int, int]]:
    """How many pixels of each colour an 8-bit RGB or RGBA PNG has."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, width, height, step = 8, b"", 0, 0, 0
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
            step = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw = zlib.decompress(packed)
    found: Counter[tuple[int, int, int]] = Counter()
    above = bytearray(width * step)
    for row in range(height):
        start = row * (width * step + 1)
        line = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), above, step)
        found.update(zip(line[0::step], line[1::step], line[2::step], strict=True))
        above = line
    return found


def unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    """One row of a PNG, its filter undone (PNG specification, 9.2)."""
    if kind == 0 or (kind == 2 and not any(above)):
        return line
    for at in range(len(line)):
        left = line[at - step] if at >= step else 0
        up = above[at]
        corner = above[at - step] if at >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            base = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(base - value))
        line[at] = (line[at] + guess) & 0xFF
    return line
