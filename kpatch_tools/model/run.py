"""From a source tree and layouts to verdicts."""

import multiprocessing
import re
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Pfn
from kpatch_tools.core.source import BlobSource

from .boot.buffers import TableRange
from .boot.guest import Guest
from .boot.image import image_geometry, place_globals
from .boot.primitives import DEFER_TO_TREE, all_primitives
from .boot.profile import PROFILE
from .boot.stages import STAGES, Boot, xen_setup_shared_info
from .boot.unit import boot_files, boot_source
from .cexec import Program, Trap, Unsupported, load_unit
from .explain import Fault, explain_end, explain_fault
from .layouts import PAGE_SIZE, Layout, MemoryType
from .machine import GuestMemory, MachineFault, NotPresent
from .oracles import Verdict, judge, sweep
from .trace import BecameTable, StageBegun, Tracer, ignore
from .xen import Domain, FrameEvent, Xen

Progress = Callable[[str], None]

_NULL_PAGES = 0x10000
_RECURSION = 20_000
_ANNOUNCED = re.compile(r"setting RW the range (?:0x)?([0-9a-f]+) - (?:0x)?([0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """What the model says about one layout.

    `rw_ranges` are the ranges of spare buffer pages made writable, in pseudo-physical bytes: as the kernel announced
    them; where it announces nothing, as it did them. `rw_done` is always what was done. `free_read_only` are the
    pages believed free that cannot be written. `reason` says why the verdict is UNDETERMINED, else it is empty.
    `printk` are the kernel's messages. `profile` names the configuration, `stage` how far the boot got.
    """

    layout: Layout
    verdict: Verdict
    fault: Fault | None = None
    tables: tuple[TableRange, ...] = ()
    rw_ranges: tuple[tuple[int, int], ...] = ()
    rw_done: tuple[tuple[int, int], ...] = ()
    reason: str = ""
    free_read_only: tuple[Pfn, ...] = ()
    printk: tuple[str, ...] = ()
    profile: str = PROFILE.name
    stage: str = ""


def run_model(
    source: BlobSource,
    layouts: Sequence[Layout],
    *,
    tracer: Tracer | None = None,
    progress: Progress | None = None,
    jobs: int = 2,
) -> tuple[ModelRun, ...]:
    """Boot the kernel of `source` on each layout; one result each, in their order.

    The tree's C is translated once and shared. With `jobs` above 1, layouts are divided among that many processes;
    with a tracer there is one. What cannot be executed gives UNDETERMINED, never an exception; KpatchError bad-layout
    for a machine that the kernel does not fit into.
    """
    report = progress or _silent
    by_image: dict[int | None, list[int]] = {}
    for number, layout in enumerate(layouts):
        by_image.setdefault(layout.image_end, []).append(number)
    results: dict[int, ModelRun] = {}
    for image_end, numbers in by_image.items():
        report("reading the tree")
        group = [layouts[number] for number in numbers]
        try:
            kernel = load_kernel(source, image_end)
        except (Unsupported, KpatchError, RecursionError) as error:
            runs = [_undetermined(layout, f"the tree cannot be loaded: {error}") for layout in group]
        else:
            parallel = jobs > 1 and len(group) > 1 and tracer is None and threading.active_count() == 1
            runs = _run_parallel(kernel, group, jobs, report) if parallel else _run(kernel, group, tracer, report)
        results.update(zip(numbers, runs, strict=True))
    return tuple(results[number] for number in range(len(layouts)))


def load_kernel(source: BlobSource, image_end: int | None = None) -> Guest:
    """Preprocess and parse the boot's files of `source`, and connect the result to a machine."""
    unit = load_unit(boot_source(source), boot_files(source), PROFILE)
    if not unit.files:
        raise KpatchError("not-a-kernel-tree", "none of the files that boot a kernel is in this tree")
    memory = GuestMemory(image_geometry(image_end))
    guest = Guest(memory)
    primitives = all_primitives(guest)
    primitives["xen_setup_shared_info"] = xen_setup_shared_info(guest)
    for name in DEFER_TO_TREE:
        if _defines(unit.translation.text, name):
            del primitives[name]
    guest.program = Program(unit, memory, primitives, placement=place_globals(memory))
    return guest


def _defines(text: bytes, name: str) -> bool:
    """Whether preprocessed C defines a function of that name, as far as its layout shows."""
    return re.search(rb"\b" + name.encode() + rb"\s*\([^;{}()]*\)\s*\{", text) is not None


def boot(guest: Guest, layout: Layout, tracer: Tracer = ignore) -> ModelRun:
    """One boot on a machine that is reset first."""
    guest.power_on(layout, tracer)
    guest.xen = Xen(
        guest.memory,
        _domain(layout),
        call_chain=guest.program.call_chain,
        on_event=_announce_tables(guest, tracer),
    )
    progress = Boot(guest)
    stage = ""
    try:
        for item in STAGES:
            stage = item.name
            tracer(StageBegun(stage))
            item.run(progress)
        stage = "end of boot"
        state = sweep(guest)
        verdict = judge(state, progress.tables or ())
        fault = explain_end(guest, verdict, state, sum(table.leaked for table in progress.tables or ()))
        return _result(guest, progress, verdict, stage, fault=fault, read_only=state.read_only)
    except MachineFault as error:
        chain = guest.program.call_chain()
        if isinstance(error, NotPresent) and error.va is not None and error.va < _NULL_PAGES:
            missing = ", ".join(guest.program.undefined_globals[:8])
            where = f" in {chain[0]}" if chain else ""
            reason = f"{stage}: null pointer{where}; data of files that are not read starts as zero ({missing})"
            return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=reason)
        return _result(guest, progress, Verdict.CRASH, stage, fault=explain_fault(guest, stage, error, chain))
    except KpatchError as error:
        if error.code == "bad-layout":
            raise
        return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=f"{stage}: {error.message}")
    except (Unsupported, Trap) as error:
        chain = guest.program.call_chain()
        where = f" (in {chain[0]})" if chain else ""
        return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=f"{stage}: {error}{where}")
    except Exception as error:
        # Our own mistake must never pass for a statement about the kernel.
        return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=f"{stage}: {_our_mistake(guest, error)}")


def _run(kernel: Guest, layouts: Sequence[Layout], tracer: Tracer | None, report: Progress) -> list[ModelRun]:
    runs = []
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        for layout in layouts:
            report(f"booting on {layout.name}")
            runs.append(boot(kernel, layout, tracer or ignore))
    finally:
        sys.setrecursionlimit(limit)
    return runs


def _run_parallel(kernel: Guest, layouts: Sequence[Layout], jobs: int, report: Progress) -> list[ModelRun]:
    """Divide the layouts among forked processes, the costly ones first."""
    context = multiprocessing.get_context("fork")
    order = sorted(range(len(layouts)), key=lambda number: -_cost(layouts[number]))
    shares: list[list[int]] = [[] for _ in range(min(jobs, len(layouts)))]
    loads = [0] * len(shares)
    for number in order:
        least = loads.index(min(loads))
        shares[least].append(number)
        loads[least] += _cost(layouts[number])
    workers = []
    for share in shares:
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(
            target=_work, args=(kernel, [layouts[number] for number in share], sender), daemon=True
        )
        worker.start()
        sender.close()
        workers.append((share, worker, receiver))
    results: dict[int, ModelRun] = {}
    try:
        for share, _, receiver in workers:
            for number in share:
                report(f"booting on {layouts[number].name}")
                try:
                    answer = receiver.recv()
                except EOFError:
                    answer = _undetermined(layouts[number], "the process that ran this layout died")
                if isinstance(answer, KpatchError):
                    raise answer
                results[number] = answer
    finally:
        for _, worker, receiver in workers:
            receiver.close()
            if len(results) < len(layouts):
                worker.terminate()
            worker.join()
    return [results[number] for number in range(len(layouts))]


def _work(kernel: Guest, layouts: Sequence[Layout], sender: Connection) -> None:
    """A worker's whole life: one message per layout."""
    for layout in layouts:
        try:
            sender.send(_run(kernel, [layout], None, _silent)[0])
        except KpatchError as error:
            sender.send(error)
    sender.close()


def _domain(layout: Layout) -> Domain:
    """dom0 with its pages; what lies between RAM and reserved ranges was given back to Xen, and is I/O if anything."""
    pages = max(layout.pages, *(entry.end // PAGE_SIZE for entry in layout.usable if _is_low(entry.end)))
    io = tuple(
        (entry.start // PAGE_SIZE, -(-entry.end // PAGE_SIZE))
        for entry in layout.ranges
        if entry.type is not MemoryType.USABLE
    )
    return Domain(nr_pages=pages, holes=_given_back(layout), iomem=((0x9F, 0x100), *io))


def _is_low(address: int) -> bool:
    return address <= 1 << 32


def _given_back(layout: Layout) -> tuple[tuple[int, int], ...]:
    """pfns in gaps of the map above 1 MiB: xen_memory_setup returns their frames to Xen."""
    gaps = []
    position = 0x100
    for entry in layout.ranges:
        start = min(entry.start // PAGE_SIZE, layout.pages)
        if start > position:
            gaps.append((position, start))
        position = max(position, -(-entry.end // PAGE_SIZE))
    return tuple(gaps)


def _announce_tables(guest: Guest, tracer: Tracer) -> Callable[[FrameEvent], None] | None:
    if tracer is ignore:
        return None
    return lambda event: tracer(BecameTable(guest.xen.m2p(event.mfn), event.type.level))


def _result(
    guest: Guest,
    progress: Boot,
    verdict: Verdict,
    stage: str,
    *,
    fault: Fault | None = None,
    reason: str = "",
    read_only: tuple[Pfn, ...] = (),
) -> ModelRun:
    printed = tuple(guest.seen.printed)
    announced = tuple((int(match[1], 16), int(match[2], 16)) for line in printed if (match := _ANNOUNCED.search(line)))
    done = tuple(guest.seen.made_writable)
    return ModelRun(
        layout=guest.layout,
        verdict=verdict,
        fault=fault,
        tables=tuple(progress.tables or ()),
        rw_ranges=announced or done,
        rw_done=done,
        reason=reason,
        free_read_only=read_only,
        printk=printed,
        stage=stage,
    )


def _undetermined(layout: Layout, reason: str) -> ModelRun:
    return ModelRun(layout=layout, verdict=Verdict.UNDETERMINED, reason=reason)


def _our_mistake(guest: Guest, error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    chain = guest.program.call_chain()
    where = f", in {chain[0]}" if chain else ""
    return f"internal error {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno}{where})"


def _cost(layout: Layout) -> int:
    """Boot time goes with the pages to map; a fixed part for the rest."""
    return (64 << 20) + sum(entry.end - entry.start for entry in layout.usable)


def _silent(_text: str) -> None:
    """Nobody watches."""
