"""Boots of real kernels, as recorded, and whether the model says the same of them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath

from .layouts import Layout, layout_from_json
from .oracles import Verdict
from .run import ModelRun

_MIB = 1 << 20
_KERNEL_MAP = 0xFFFF_FFFF_8000_0000
_HOLE = 16 * _MIB
_ISLAND = 128 * 1024
"""The hole of mode "hole" starts _HOLE below the end of memory and leaves an _ISLAND at the top."""
_LATENT = frozenset({Verdict.RO_LEFT_OVER, Verdict.UNRESERVED, Verdict.LEAK})
_OUTCOMES = ("boots", "crash")
_SETS_ENTRY = re.compile(r"Oops \(page fault\) in \w*set_p(?:te|md|ud|gd)\w*")
_FILLS = re.compile(r"in (?:mem\w+|(?:clear|copy)_page\w*)\b.*?RDI=ffff88([0-9a-f]+)")
"""String instructions of x86: the register is the address that faulted."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`find` → `replace`, once, inside `function` of `file`; anywhere in the file where `function` is empty."""

    file: RepoPath
    function: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpec:
    """Which kernel booted: a commit with commits picked and taken out, in order, edits, and configuration.

    `config` are symbols with CONFIG_ that differ from the usual set; None: not set. `by_hand` is a change in words,
    which no program can make.
    """

    commit: str
    picks: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    config: tuple[tuple[str, str | None], ...] = ()
    by_hand: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealBoot:
    """One recorded boot.

    `tables` are (start, top) of the page-table buffers and `writable` the ranges made writable, in bytes, in order of
    printing. `kinds` are what the fault may be in the model's words, none where the log does not tell, and `page` its
    pfn.
    `free_read_only` is the number of free read-only pages, None where the kernel did not list them.
    """

    id: str
    kernel: KernelSpec
    layout: Layout
    crashed: bool
    tables: tuple[tuple[int, int], ...]
    writable: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...] = ()
    page: int | None = None
    free_read_only: int | None = None


class Agreement(StrEnum):
    """What a comparison came to; `undetermined` is no agreement."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One record against the model's run of it; `why` says what differs, or why there is no verdict."""

    boot: RealBoot
    run: ModelRun
    state: Agreement
    why: tuple[str, ...] = ()


def compare(boot: RealBoot, run: ModelRun) -> Comparison:
    """What the model says of the boot's kernel and layout, held against what happened."""
    if run.verdict is Verdict.UNDETERMINED:
        return Comparison(boot, run, Agreement.UNDETERMINED, (run.reason,))
    why = tuple(_disagreements(boot, run))
    return Comparison(boot, run, Agreement.DISAGREE if why else Agreement.AGREE, why)


def _disagreements(boot: RealBoot, run: ModelRun) -> Iterator[str]:
    tables = tuple((table.start, table.top) for table in run.tables)
    if tables != boot.tables:
        yield f"page-table buffers {_spans(tables)}, really {_spans(boot.tables)}"
    if run.rw_ranges != boot.writable:
        yield f"made writable {_spans(run.rw_ranges)}, really {_spans(boot.writable)}"
    if not boot.crashed:
        yield from _unlike_boot(boot, run)
    elif run.verdict is not Verdict.CRASH or run.fault is None:
        yield f"{run.verdict}, but it crashed"
    else:
        if boot.kinds and run.fault.kind not in boot.kinds:
            yield f"{run.fault.kind}, really {' or '.join(boot.kinds)}"
        if boot.page is not None and run.fault.pfn != boot.page:
            page = "no page" if run.fault.pfn is None else f"pfn {run.fault.pfn:#x}"
            yield f"fault on {page}, really pfn {boot.page:#x}"


def _unlike_boot(boot: RealBoot, run: ModelRun) -> Iterator[str]:
    """A kernel that booted is OK; one that somebody broke on purpose may have a fault that this boot did not meet."""
    allowed = {Verdict.OK} | (_LATENT if boot.kernel.edits else frozenset())
    if run.verdict not in allowed:
        fault = run.fault.lines()[0] if run.fault is not None else "no fault named"
        yield f"{run.verdict} ({fault}), but it booted"
    if boot.free_read_only is not None and boot.free_read_only != len(run.free_read_only):
        yield f"{len(run.free_read_only)} free pages are read-only, really {boot.free_read_only}"


def parse_boots(data: bytes, *, name: str = "the file") -> tuple[RealBoot, ...]:
    """The records of a JSON list. KpatchError "bad-record" naming the record and the field."""
    try:
        values = json.loads(data)
    except ValueError as error:
        raise KpatchError("bad-record", f"{name} is not JSON: {error}", hint=_HINT) from None
    if not isinstance(values, list):
        raise KpatchError("bad-record", f"{name} is not a list of records", hint=_HINT)
    boots = tuple(_Record(value, number).boot() for number, value in enumerate(values))
    seen: set[str] = set()
    for boot in boots:
        if boot.id in seen:
            raise KpatchError("bad-record", f"record {boot.id!r}, field 'id': used twice", hint=_HINT)
        seen.add(boot.id)
    return boots


_HINT = "a list of objects, as `kpt model --help` describes"


class _Record:
    """One JSON object, read field by field."""

    def __init__(self, value: Any, number: int) -> None:
        self._value: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self._name = str(self._value.get("id") or f"number {number}")
        if not isinstance(value, dict):
            raise self._bad("", "not an object")

    def boot(self) -> RealBoot:
        crashed = self._one_of("outcome", _OUTCOMES) == "crash"
        kinds, page = self._fault() if crashed else ((), None)
        return RealBoot(
            id=self._text("id"),
            kernel=self._kernel(),
            layout=self._layout(),
            crashed=crashed,
            tables=self._spans("direct_map_tables", "start", "top"),
            writable=self._spans("rw_range", "start", "end"),
            kinds=kinds,
            page=page,
            free_read_only=self._free_read_only(),
        )

    # --- the kernel

    def _kernel(self) -> KernelSpec:
        return KernelSpec(
            commit=self._text("commit"),
            picks=self._texts("picks"),
            reverts=self._texts("reverts"),
            edits=tuple(self._edit(entry) for entry in self._list("edits")),
            config=self._config(),
            by_hand=str(self._value.get("by_hand") or ""),
        )

    def _edit(self, value: Any) -> Edit:
        if not isinstance(value, dict):
            raise self._bad("edits", "an edit is an object with file, function, find and replace")
        parts = [value.get(key, "") for key in ("file", "function", "find", "replace")]
        function = parts[1] or ""
        if not all(isinstance(part, str) for part in (parts[0], function, *parts[2:])) or not (parts[0] and parts[2]):
            raise self._bad("edits", "an edit has file, function, find and replace, all text")
        return Edit(RepoPath(parts[0]), function, parts[2], parts[3])

    def _config(self) -> tuple[tuple[str, str | None], ...]:
        value = self._value.get("config")
        if value is None:
            return ()
        if not isinstance(value, dict):
            raise self._bad("config", "an object of symbols and values")
        return tuple(sorted((_symbol(name), self._setting(name, setting)) for name, setting in value.items()))

    def _setting(self, name: str, value: Any) -> str | None:
        """y and m are 1, as in C; n and null: not set."""
        if value is None or value is False or value in ("n", "N", "", "is not set", "not set"):
            return None
        if value is True or value in ("y", "Y", "m", "M"):
            return "1"
        if isinstance(value, int | str):
            return str(value)
        raise self._bad("config", f"{name}: neither y, n nor a value")

    # --- the machine

    def _layout(self) -> Layout:
        """The map after `mem=` and `memmap=`, and the pages that the p2m list had room for."""
        mode = self._text("mode")
        given = self._value.get("e820_user")
        ranges = [self._range(text) for text in (self._list("e820_user") if given else self._list("e820"))]
        if not given and mode in ("mem", "hole"):
            ranges = _cut(ranges, self._memory(), hole=mode == "hole")
        first, past = self._printed("Phys-Mach map")
        value = {
            "name": self._name,
            "e820": [{"start": start, "end": end, "type": kind} for start, end, kind in sorted(ranges)],
            "pages": (past - first) // 8,
            "acpi": mode != "noacpi",
            "numa": bool(self._value.get("numa", False)),
            "image_end": self._printed("Loaded kernel")[1] - _KERNEL_MAP,
        }
        try:
            return layout_from_json(json.dumps(value).encode(), name=self._name)
        except KpatchError as error:
            raise self._bad("e820", error.message) from None

    def _memory(self) -> int:
        text = self._text("dom0_mem")
        match = re.fullmatch(r"(\d+)M", text)
        if match is None:
            raise self._bad("dom0_mem", f"{text!r} is no number of MiB such as 512M")
        return int(match[1]) * _MIB

    def _range(self, text: Any) -> tuple[int, int, str]:
        match = re.match(
            r"(?:0x)?([0-9a-fA-F]+)\s*-\s*(?:0x)?([0-9a-fA-F]+) (\w+)", text if isinstance(text, str) else ""
        )
        if match is None:
            raise self._bad("e820", f"not a range: {text!r}")
        return int(match[1], 16), int(match[2], 16) + ("inclusive" in text), match[3]

    def _printed(self, line: str) -> tuple[int, int]:
        lines = self._value.get("xen_layout")
        match = re.match(
            r"(?:0x)?([0-9a-f]+)->(?:0x)?([0-9a-f]+)", str(lines.get(line)) if isinstance(lines, dict) else ""
        )
        if match is None:
            raise self._bad("xen_layout", f"no addresses for {line!r}")
        return int(match[1], 16), int(match[2], 16)

    # --- what happened

    def _fault(self) -> tuple[tuple[str, ...], int | None]:
        """What the fault may be in the model's words, and its page."""
        stage = self._text("stage")
        if "shut itself down" in stage:
            return (), None
        refused = re.search(r"Bad type .*?\(pfn ([0-9a-f]+)\)", stage) or re.search(r"\(pfn ([0-9a-f]+)\)", stage)
        page = int(refused[1], 16) if refused else None
        if "pin_pagetable_pfn" in stage:
            return ("xen-refused-pin",), page
        if "make_lowmem_page_read" in stage:
            return ("xen-refused-update_va_mapping",), page
        code = re.search(r"Oops: ([0-9a-f]{4})", " ".join(map(str, self._value.get("oops_regs") or ())))
        if code is not None and not int(code[1], 16) & 1:
            # A translation that is missing has no frame whose page could be compared.
            return ("not-present",), None
        if entry := _SETS_ENTRY.search(stage):
            # A table that is in use is written by Xen in the guest's place; one that is not yet is just a page.
            in_use = entry[0].endswith("_init") or "ptwr" in stage
            return ("xen-refused-ptwr",) if in_use else ("xen-refused-ptwr", "read-only-write"), None
        if code is None:
            return (), None
        target = _FILLS.search(stage)
        return ("read-only-write",), int(target[1], 16) >> 12 if target else None

    def _free_read_only(self) -> int | None:
        lines = self._value.get("ro_pages_after_boot") or ()
        match = re.search(r"of them free (\d+)", " ".join(map(str, lines)))
        return int(match[1]) if match else None

    # --- fields

    def _text(self, field: str) -> str:
        value = self._value.get(field)
        if not isinstance(value, str) or not value:
            raise self._bad(field, "missing, or not text")
        return value

    def _one_of(self, field: str, known: tuple[str, ...]) -> str:
        value = self._text(field)
        if value not in known:
            raise self._bad(field, f"{value!r} is none of {', '.join(known)}")
        return value

    def _list(self, field: str) -> list[Any]:
        value = self._value.get(field)
        if value is None:
            value = []
        if not isinstance(value, list):
            raise self._bad(field, "not a list")
        return value

    def _texts(self, field: str) -> tuple[str, ...]:
        values = self._list(field)
        if not all(isinstance(value, str) for value in values):
            raise self._bad(field, "not a list of text")
        return tuple(values)

    def _spans(self, field: str, first: str, last: str) -> tuple[tuple[int, int], ...]:
        return tuple((self._hex(field, entry, first), self._hex(field, entry, last)) for entry in self._list(field))

    def _hex(self, field: str, entry: Any, key: str) -> int:
        try:
            return int(entry[key], 16)
        except (KeyError, TypeError, ValueError):
            raise self._bad(field, f"no hexadecimal number under {key!r}") from None

    def _bad(self, field: str, why: str) -> KpatchError:
        where = f"record {self._name!r}" + (f", field {field!r}" if field else "")
        return KpatchError("bad-record", f"{where}: {why}", hint=_HINT)


def _cut(ranges: list[tuple[int, int, str]], end: int, *, hole: bool) -> list[tuple[int, int, str]]:
    """mem=`end`, and the hole that leaves an island at the top."""
    cut = [(low, min(high, end) if kind == "usable" else high, kind) for low, high, kind in ranges]
    cut = [entry for entry in cut if entry[2] != "usable" or entry[0] < end]
    if hole:
        start, island = end - _HOLE, end - _ISLAND
        cut = [(low, min(high, start) if kind == "usable" else high, kind) for low, high, kind in cut]
        cut += [(start, island, "reserved"), (island, end, "usable")]
    return cut


def _symbol(name: str) -> str:
    return name if name.startswith("CONFIG_") else f"CONFIG_{name}"


def _spans(spans: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{start:#x}-{end:#x}" for start, end in spans) or "none"
