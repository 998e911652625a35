"""The model against kernels that really booted, or really died, under a real Xen: one test per record.

Needs KPT_LINUX_GIT and KPT_XEN_TRUTH, the path of a JSON list of boots. A record agrees when the verdict, the kind of
fault and its page, the page-table buffers and the ranges made writable are the recorded ones.
KPT_XEN_TRUTH_ALL=1 runs every record of the file, else only the agreed set.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import Layout, Verdict, layout_from_json
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.run import ModelRun, boot, load_kernel
from kpatch_tools.tree import KernelTree, merge_blobs

pytestmark = pytest.mark.real

MIB = 1 << 20
PAGE_OFFSET = 0xFFFF_8800_0000_0000
KERNEL_MAP = 0xFFFF_FFFF_8000_0000
LATENT = frozenset({Verdict.RO_LEFT_OVER, Verdict.UNRESERVED, Verdict.LEAK})
AGREED_TREES = frozenset(
    {
        "v2.6.38",
        "v2.6.39-rc1",
        "v2.6.39-rc5",
        "v2.6.39-rc6",
        "v2.6.39-rc7",
        "4b239f458c2",
        "92bdaef7b2c",
        "279b706bf80",
        "v2.6.39",
        "v3.1",
        "tree-3.8.13",
        "tree-3.9.6",
    }
)
AGREED_VARIANTS = ("plain", "rc5+hook", "rc7+hook", "v0-", "v2-", "v3-", "v4-", "v7-", "v12-")

Record = Mapping[str, Any]


def _records() -> list[Record]:
    path = os.environ.get("KPT_XEN_TRUTH")
    if not path:
        return []
    found: list[Record] = json.loads(Path(path).read_bytes())
    if not os.environ.get("KPT_XEN_TRUTH_ALL"):
        found = [record for record in found if _is_agreed(record)]
    return sorted(found, key=_kernel_key)


def _is_agreed(record: Record) -> bool:
    tree, variant, _ = record["id"].split("/", 2)
    return tree in AGREED_TREES and variant.startswith(AGREED_VARIANTS)


def _kernel_key(record: Record) -> tuple[str, ...]:
    edits = json.dumps(record["edits"])
    return record["commit"], *record["picks"], *record["reverts"], edits, record["xen_layout"]["Loaded kernel"]


RECORDS = _records()


@pytest.fixture(scope="module")
def kernel_of(linux_git: Path) -> Callable[[Record], Guest]:
    """The translated kernel of a record; the last one is kept, because records are sorted by kernel."""
    tree = KernelTree.open(linux_git)
    by_key = {_kernel_key(record): record for record in RECORDS}

    @lru_cache(maxsize=1)
    def load(key: tuple[str, ...]) -> Guest:
        record = by_key[key]
        return load_kernel(_source(tree, record), _image_end(record))

    return lambda record: load(_kernel_key(record))


@pytest.mark.skipif(not os.environ.get("KPT_XEN_TRUTH"), reason="KPT_XEN_TRUTH is not set: no recorded boots at hand")
def test_there_are_records() -> None:
    assert RECORDS


@pytest.mark.parametrize("record", RECORDS, ids=[record["id"] for record in RECORDS])
def test_the_model_agrees_with_the_recorded_boot(record: Record, kernel_of: Callable[[Record], Guest]) -> None:
    if record.get("by_hand") or record["config"]:
        pytest.skip("the record's kernel differs in ways that its data does not say in full")
    run = boot(kernel_of(record), _layout(record))
    assert list(_disagreements(record, run)) == []


def _disagreements(record: Record, run: ModelRun) -> Iterator[str]:
    if run.verdict is Verdict.UNDETERMINED:
        yield f"undetermined: {run.reason}"
        return
    buffers = [(_hex(entry["start"]), _hex(entry["top"])) for entry in record["direct_map_tables"] or ()]
    if [(table.start, table.top) for table in run.tables] != buffers:
        yield f"buffers {[(hex(table.start), hex(table.top)) for table in run.tables]}"
    writable = [(_hex(entry["start"]), _hex(entry["end"])) for entry in record["rw_range"] or ()]
    if list(run.rw_ranges) != writable:
        yield f"made writable: {[(hex(start), hex(end)) for start, end in run.rw_ranges]}"
    if record["outcome"] == "boots":
        allowed = {Verdict.OK} | (LATENT if record["edits"] else frozenset())
        if run.verdict not in allowed:
            yield f"{run.verdict}: {run.fault}"
        match = re.search(r"of them free (\d+)", " ".join(record["ro_pages_after_boot"] or ()))
        if match and int(match[1]) != len(run.free_read_only):
            yield f"{len(run.free_read_only)} free read-only pages"
        return
    if run.verdict is not Verdict.CRASH or run.fault is None:
        yield f"{run.verdict}, but it crashed"
        return
    kind, page = _real_fault(record)
    if kind is not None and run.fault.kind != kind:
        yield f"fault {run.fault.kind}, really {kind}"
    if page is not None and run.fault.pfn != page:
        yield f"fault on page {run.fault.pfn}, really {page:#x}"


def _real_fault(record: Record) -> tuple[str | None, int | None]:
    """The kind of fault in the model's words, and its page, None where the log does not tell."""
    stage = record["stage"]
    if "shut itself down" in stage:
        return None, None
    refused = re.search(r"Bad type .*?\(pfn ([0-9a-f]+)\)", stage)
    page = int(refused[1], 16) if refused else None
    if "pin_pagetable_pfn" in stage:
        return "xen-refused-pin", page
    if "make_lowmem_page_readwrite" in stage:
        return "xen-refused-update_va_mapping", page
    if "Oops (page fault) in xen_set_pte_init" in stage:
        return "xen-refused-ptwr", None
    oops = " ".join(record.get("oops_regs") or ())
    code = int(re.search(r"Oops: ([0-9a-f]{4})", oops)[1], 16)  # type: ignore[index]
    target = re.search(r"RDI=ffff88([0-9a-f]+)", stage)
    page = int(target[1], 16) >> 12 if target else None
    # A translation that is missing has no frame whose page could be compared.
    return ("read-only-write", page) if code & 1 else ("not-present", None)


def _layout(record: Record) -> Layout:
    """The record's machine: its map after `mem=` and `memmap=`, and the pages that its p2m list had room for."""
    ranges = [_range(text) for text in record.get("e820_user") or record["e820"]]
    if not record.get("e820_user") and record["mode"] in ("mem", "hole"):
        ranges = _cut(ranges, int(record["dom0_mem"].rstrip("M")) * MIB, hole=record["mode"] == "hole")
    first, past = (int(part, 16) for part in record["xen_layout"]["Phys-Mach map"].split("->"))
    value = {
        "name": record["id"],
        "e820": [{"start": start, "end": end, "type": kind} for start, end, kind in ranges],
        "pages": (past - first) // 8,
        "acpi": record["mode"] != "noacpi",
        "image_end": _image_end(record),
    }
    return layout_from_json(json.dumps(value).encode())


def _cut(ranges: list[tuple[int, int, str]], end: int, *, hole: bool) -> list[tuple[int, int, str]]:
    """mem=`end`, and the 16256 KiB hole that leaves an island of 128 KiB at the top."""
    cut = [(low, min(high, end) if kind == "usable" else high, kind) for low, high, kind in ranges]
    cut = [entry for entry in cut if entry[2] != "usable" or entry[0] < end]
    if hole:
        start, island = end - 16 * MIB, end - 128 * 1024
        cut = [(low, min(high, start) if kind == "usable" else high, kind) for low, high, kind in cut]
        cut += [(start, island, "reserved"), (island, end, "usable")]
    return sorted(cut)


def _range(text: str) -> tuple[int, int, str]:
    match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\w+)", text)
    assert match is not None
    return int(match[1], 16), int(match[2], 16) + ("inclusive" in text), match[3]


def _image_end(record: Record) -> int:
    return int(record["xen_layout"]["Loaded kernel"].split("->")[1], 16) - KERNEL_MAP


def _source(tree: KernelTree, record: Record) -> BlobSource:
    """The record's kernel: its commit, with commits picked or reverted and edits made, in memory."""
    source: BlobSource = tree.at(tree.resolve(record["commit"]))
    for spelled in record["picks"]:
        source = _merged(tree, source, spelled, backwards=False)
    for spelled in record["reverts"]:
        source = _merged(tree, source, spelled, backwards=True)
    for edit in record["edits"]:
        path = RepoPath(edit["file"])
        text = source.read(path)
        assert text is not None
        source = Overlay(source, {path: _edited(text.decode("latin-1"), edit).encode("latin-1")})
    return source


def _merged(tree: KernelTree, source: BlobSource, spelled: str, *, backwards: bool) -> BlobSource:
    commit = tree.resolve(spelled).oid
    before, after = tree.at(tree.commit(commit).parents[0]), tree.at(commit)
    if backwards:
        before, after = after, before
    changes: dict[RepoPath, bytes | None] = {}
    for change in tree.changes(commit):
        path = change.new_path or change.old_path
        assert path is not None
        base, theirs, ours = before.read(path), after.read(path), source.read(path)
        if base is None or theirs is None:
            changes[path] = theirs
            continue
        assert ours is not None
        merged = merge_blobs(base, ours, theirs)
        assert merged.conflicts == 0
        changes[path] = merged.data
    return Overlay(source, changes)


def _edited(text: str, edit: Mapping[str, str]) -> str:
    """`find` → `replace`, once, inside the function named."""
    bodies = re.finditer(rf"^[^\n]*\b{edit['function']}\([^;{{]*?\)\s*\{{.*?^\}}", text, re.MULTILINE | re.DOTALL)
    found = [body for body in bodies if edit["find"] in body[0]]
    assert len(found) == 1
    body = found[0]
    assert body[0].count(edit["find"]) == 1
    return text[: body.start()] + body[0].replace(edit["find"], edit["replace"]) + text[body.end() :]


def _hex(text: str) -> int:
    return int(text, 16)
