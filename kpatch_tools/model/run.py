"""From a source tree and layouts to verdicts."""

import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Pfn
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.workers import divide

from .boot.buffers import TableRange
from .boot.guest import Guest
from .boot.image import place_globals
from .boot.machine import REAL_MACHINE, Machine
from .boot.memblocks import reserved_ranges
from .boot.on_xen import XEN
from .boot.platform import Platform
from .boot.primitives import DEFER_TO_TREE
from .boot.profile import PROFILE
from .boot.stages import Boot, Stage
from .boot.unit import BOOTMEM, COMPLETED, FILES, NOBOOTMEM, boot_files
from .cexec import Profile, Program, Trap, Unit, Unsupported, load_unit
from .configuration import UnknownSymbol, unknown_symbols
from .explain import Fault, explain_end, explain_fault
from .layouts import PAGE_SIZE, Layout
from .machine import Geometry, MachineFault, NotPresent
from .nullslots import find_null_slot
from .oracles import Verdict, judge, sweep
from .trace import StageBegun, Tracer, ignore
from .translations import Recorder, Translations, kernel_key, profile_parts
from .writers import Writers

Progress = Callable[[str], None]

_MIN_ROUNDS = 1 << 16
_ROUNDS_PER_PAGE = 8
"""No loop of early boot goes round oftener than a few times for every page of memory, or every entry of a table."""
_NULL_PAGES = 0x10000
_FIRST_SCENARIO_STAGE = "acpi-tables"
"""The first stage that looks at a layout's `acpi` or `numa`."""
_RECURSION = 20_000
_ANNOUNCED = re.compile(r"setting RW the range (?:0x)?([0-9a-f]+) - (?:0x)?([0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """What the model says about one layout.

    `rw_ranges` are the ranges of spare buffer pages made writable, in pseudo-physical bytes: as the kernel announced
    them; where it announces nothing, as it did them. `rw_done` is always what was done. `free_read_only` are the
    pages believed free that cannot be written. `reason` says why the verdict is UNDETERMINED, else it is empty.
    `printk` are the kernel's messages. `profile`, `platform` and `machine` name what it ran on, `stage` how far the
    boot got. `reserved` is what a boot that came to its end has reserved: pseudo-physical bytes, ascending.
    `trap` is the kind of the trap that a boot without verdict ended in, such as "endless-loop"; empty for none.
    `unknown_symbols` are CONFIG_ symbols that decide code which this kernel has executed, on this layout or on others
    before, and of which the profile says nothing; only `run_model` looks for them.
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
    platform: str = XEN.name
    reserved: tuple[tuple[int, int], ...] = ()
    machine: str = REAL_MACHINE.name
    stage: str = ""
    trap: str = ""
    unknown_symbols: tuple[UnknownSymbol, ...] = field(default=(), compare=False)


def run_model(
    source: BlobSource,
    layouts: Sequence[Layout],
    *,
    tracer: Tracer | None = None,
    progress: Progress | None = None,
    jobs: int = 2,
    until_fault: bool = False,
    history: bool = False,
    cache: LineCache | None = None,
    profile: Profile | None = None,
    platform: Platform = XEN,
    translations: Translations | None = None,
) -> tuple[ModelRun, ...]:
    """Boot the kernel of `source` on each layout; one result each, in their order.

    On `platform`, built for `profile` (None: as is usual there).
    The tree's C is translated once and shared. With `jobs` above 1, layouts are divided among that many processes;
    with a tracer there is one. `history` repeats a boot that faults, to find who wrote the mappings involved. With
    `until_fault` layouts not begun when a fault is known are NOT_RUN. A `cache` shared
    between versions of a tree saves reading their common files again; `translations` saves a later run of the same tree
    from reading it at all. What cannot be executed gives UNDETERMINED, never an exception; KpatchError bad-layout for a
    machine that the kernel does not fit into.
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
            kernel = load_kernel(
                source, image_end, profile=profile, platform=platform, cache=cache, translations=translations
            )
        except (Unsupported, KpatchError, RecursionError) as error:
            runs = [_undetermined(layout, f"the tree cannot be loaded: {error}") for layout in group]
        else:
            parallel = jobs > 1 and len(group) > 1 and tracer is None and threading.active_count() == 1
            job = _Job(source, kernel, group, until_fault, history)
            runs = _run_parallel(job, jobs, report) if parallel else _run(job, tracer, report)
        results.update(zip(numbers, runs, strict=True))
    return tuple(results[number] for number in range(len(layouts)))


def boot_each(
    source: BlobSource,
    layouts: Sequence[Layout],
    *,
    cache: LineCache | None = None,
    machine: Machine = REAL_MACHINE,
    platform: Platform = XEN,
    translations: Translations | None = None,
) -> Iterator[ModelRun]:
    """The boots of `source` on one layout after the other, each run when it is asked for, in this process.

    All on the image that the first layout names. A tree that cannot be loaded is UNDETERMINED on every layout.
    """
    try:
        kernel = load_kernel(
            source,
            layouts[0].image_end,
            cache=cache,
            machine=machine,
            platform=platform,
            translations=translations,
        )
    except (Unsupported, KpatchError, RecursionError) as error:
        yield from (_undetermined(layout, f"the tree cannot be loaded: {error}") for layout in layouts)
        return
    for layout in layouts:
        with deep_recursion():
            run = boot(kernel, layout)
        yield run


def load_kernel(
    source: BlobSource,
    image_end: int | None = None,
    *,
    profile: Profile | None = None,
    cache: LineCache | None = None,
    machine: Machine = REAL_MACHINE,
    platform: Platform = XEN,
    translations: Translations | None = None,
) -> Guest:
    """Preprocess and parse the boot's files of `source` for `profile`, and connect the result to `machine`.

    Without a profile it is the platform's, or the machine's where the platform has none. Where `translations` has the
    kernel, nothing is read until something new is asked of it; they learn from each boot. KpatchError where the tree
    is none that the machine boots.
    """
    profile = profile or platform.profile
    if profile is not None:
        machine = replace(machine, profile=profile)
    lacking = [name for name in platform.needs if name not in machine.configuration.config]
    if lacking:
        raise KpatchError(
            "unsuitable-profile", f"{machine.profile.name} has no {lacking[0]}, and is no {platform.name} kernel"
        )
    memory = platform.memory(machine.geometry_for(image_end))
    guest = Guest(memory, machine)
    guest.platform = platform
    primitives = platform.primitives(guest)
    fallbacks = {name: primitives.pop(name) for name in DEFER_TO_TREE}
    recorder = Recorder(source)
    load = partial(_load_unit, recorder, machine, platform, cache)
    entry = None
    key = _key(recorder, machine, platform, memory.geometry)
    if translations is not None:
        entry = translations.find(key, recorder)
    kept = entry.kept if entry is not None else None
    guest.program = Program(
        load if kept is not None else load(),
        memory,
        primitives,
        placement=place_globals(memory, machine.image),
        fallbacks=fallbacks,
        kept=kept,
    )
    guest.identity = kernel_key(key, entry.inputs if entry is not None else recorder.inputs)
    if entry is not None:
        entry.begin(guest.program)
        guest.after_boot = lambda: entry.update(guest.program)
    return guest


def _load_unit(source: Recorder, machine: Machine, platform: Platform, cache: LineCache | None) -> Unit:
    view = machine.source(source)
    configuration = machine.configuration
    unit = load_unit(view, boot_files(source, configuration.config, platform.files), configuration, cache=cache)
    if not unit.files:
        raise KpatchError("not-a-kernel-tree", "none of the files that boot a kernel is in this tree")
    machine.check(unit, view)
    return unit


def _key(source: Recorder, machine: Machine, platform: Platform, geometry: Geometry) -> str:
    """Everything that decides how a kernel is translated, but for its headers."""
    files = (*FILES, NOBOOTMEM, BOOTMEM, *platform.files)
    return kernel_key(
        replace(machine, profile=Profile("")),
        [
            (getattr(view, "__module__", ""), getattr(view, "__qualname__", ""))
            for view in (machine.source, machine.check)
        ],
        profile_parts(machine.configuration),
        (platform.name, platform.files),
        geometry,
        [source.blob_id(path) for path in files],
    )


def boot(guest: Guest, layout: Layout, tracer: Tracer = ignore) -> ModelRun:
    """One boot on a machine that is reset first."""
    try:
        return _boot(guest, layout, tracer)
    finally:
        guest.after_boot()


def boot_alike(guest: Guest, layouts: Sequence[Layout]) -> tuple[ModelRun, ...]:
    """The boots of layouts that differ in `acpi` and `numa` only, on Xen; what happens before either matters runs once.

    The same results as `boot` on each.
    """
    try:
        return tuple(_boot_alike(guest, layouts))
    finally:
        guest.after_boot()


def _boot_alike(guest: Guest, layouts: Sequence[Layout]) -> Iterator[ModelRun]:
    stages = guest.platform.stages
    split = next(number for number, stage in enumerate(stages) if stage.name == _FIRST_SCENARIO_STAGE)
    progress = _begin(guest, layouts[0], ignore)
    common = _through(progress, stages[:split], ignore)
    if common is not None:
        yield from (replace(common, layout=layout) for layout in layouts)
        return
    saved = guest.checkpoint()
    for layout in layouts:
        guest.rewind(saved)
        guest.layout = layout
        yield _to_the_end(replace(progress, tables=progress.tables.copy()), stages[split:], ignore)


def _boot(guest: Guest, layout: Layout, tracer: Tracer) -> ModelRun:
    return _to_the_end(_begin(guest, layout, tracer), guest.platform.stages, tracer)


def _begin(guest: Guest, layout: Layout, tracer: Tracer) -> Boot:
    guest.power_on(layout, tracer)
    guest.program.max_rounds = _MIN_ROUNDS + _ROUNDS_PER_PAGE * (layout.end // PAGE_SIZE)
    guest.platform.start(guest, tracer)
    return Boot(guest)


def _to_the_end(progress: Boot, stages: Sequence[Stage], tracer: Tracer) -> ModelRun:
    run = _through(progress, stages, tracer, ends=True)
    assert run is not None
    return run


def _through(progress: Boot, stages: Sequence[Stage], tracer: Tracer, *, ends: bool = False) -> ModelRun | None:
    """Run the stages. The result if the boot ends there: by a fault, or because it `ends` with them."""
    guest = progress.guest
    stage = ""
    try:
        for item in stages:
            stage = item.name
            tracer(StageBegun(stage))
            item.run(progress)
        if not ends:
            return None
        stage = "end of boot"
        state = sweep(guest)
        verdict = judge(state, progress.tables)
        fault = explain_end(guest, verdict, state, sum(table.leaked for table in progress.tables))
        reserved = reserved_ranges(guest)
        return _result(guest, progress, verdict, stage, fault=fault, read_only=state.read_only, reserved=reserved)
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
        empty = find_null_slot(guest, error, chain) if isinstance(error, Trap) else None
        if empty is not None:
            return _result(guest, progress, Verdict.CRASH, stage, fault=explain_fault(guest, stage, empty, chain))
        where = f" (in {chain[0]})" if chain else ""
        trap = error.kind if isinstance(error, Trap) else ""
        return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=f"{stage}: {error}{where}", trap=trap)
    except Exception as error:
        # Our own mistake must never pass for a statement about the kernel.
        return _result(guest, progress, Verdict.UNDETERMINED, stage, reason=f"{stage}: {_our_mistake(guest, error)}")


def with_history(guest: Guest, run: ModelRun) -> ModelRun:
    """The run with its fault's mappings traced to the C calls that wrote them, by the same boot once more."""
    if run.fault is None or not run.fault.mappings:
        return run
    writers = Writers(guest, run.fault)
    try:
        boot(guest, run.layout, writers)
    finally:
        fault = writers.finish()
    return replace(run, fault=fault)


@dataclass(frozen=True, slots=True)
class _Job:
    """Layouts to run on one translated kernel; `unknown` are unknown symbols by the number of functions looked at."""

    source: BlobSource
    kernel: Guest
    layouts: Sequence[Layout]
    until_fault: bool
    history: bool = False
    unknown: dict[int, tuple[UnknownSymbol, ...]] = field(default_factory=dict)

    def run(self, layout: Layout, tracer: Tracer = ignore) -> ModelRun:
        run = boot(self.kernel, layout, tracer)
        run = replace(run, unknown_symbols=self._unknown_symbols())
        return with_history(self.kernel, run) if self.history else run

    def _unknown_symbols(self) -> tuple[UnknownSymbol, ...]:
        executed = self.kernel.program.executed
        if len(executed) not in self.unknown:
            found = unknown_symbols(self.source, executed, self.kernel.machine.configuration)
            self.unknown[len(executed)] = found
        return self.unknown[len(executed)]

    def ends_with(self, run: ModelRun) -> bool:
        return self.until_fault and run.verdict not in (Verdict.OK, Verdict.UNDETERMINED)


def _run(job: _Job, tracer: Tracer | None, report: Progress) -> list[ModelRun]:
    """One layout after the other, in their order."""
    runs: list[ModelRun] = []
    with deep_recursion():
        for layout in job.layouts:
            if runs and job.ends_with(runs[-1]):
                break
            report(f"booting on {layout.name}")
            runs.append(job.run(layout, tracer or ignore))
    return runs + [_not_run(layout) for layout in job.layouts[len(runs) :]]


def _run_parallel(job: _Job, jobs: int, report: Progress) -> list[ModelRun]:
    """Divide the layouts among forked processes, the costly ones first; with `until_fault`, the cheap ones."""
    layouts = job.layouts
    order = sorted(range(len(layouts)), key=lambda number: _cost(layouts[number]), reverse=not job.until_fault)
    results: dict[int, ModelRun] = {}

    def run(number: int) -> ModelRun:
        with deep_recursion():
            return job.run(layouts[number])

    answers = divide(run, order, jobs=jobs)
    for place, answer in answers:
        number = order[place]
        match answer:
            case ModelRun():
                results[number] = answer
            case ChildProcessError():
                results[number] = _undetermined(layouts[number], "the process that ran this layout died")
            case _:
                raise answer
        report(f"{layouts[number].name}: {results[number].verdict}")
        if job.ends_with(results[number]):
            answers.close()
            break
    return [results.get(number) or _not_run(layouts[number]) for number in range(len(layouts))]


@contextmanager
def deep_recursion() -> Iterator[None]:
    """C calls are Python calls, several frames each."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _result(
    guest: Guest,
    progress: Boot,
    verdict: Verdict,
    stage: str,
    *,
    fault: Fault | None = None,
    reason: str = "",
    read_only: tuple[Pfn, ...] = (),
    reserved: tuple[tuple[int, int], ...] = (),
    trap: str = "",
) -> ModelRun:
    printed = tuple(guest.seen.printed)
    announced = tuple((int(match[1], 16), int(match[2], 16)) for line in printed if (match := _ANNOUNCED.search(line)))
    done = tuple(guest.seen.made_writable)
    return ModelRun(
        layout=guest.layout,
        verdict=verdict,
        fault=fault,
        tables=tuple(progress.tables),
        rw_ranges=announced or done,
        rw_done=done,
        reason=reason,
        free_read_only=read_only,
        printk=printed,
        profile=_configuration(guest),
        platform=guest.platform.name,
        reserved=reserved,
        machine=guest.machine.name,
        stage=stage,
        trap=trap,
    )


def _configuration(guest: Guest) -> str:
    """The profile's name, and what had to be added to the tree."""
    completed = guest.has_global(COMPLETED)
    added = "; struct mm_struct completed with pgd, which mm/init-mm.c sets: without it the tree does not compile"
    return guest.program.profile_name + (added if completed else "")


def _undetermined(layout: Layout, reason: str) -> ModelRun:
    return ModelRun(layout=layout, verdict=Verdict.UNDETERMINED, reason=reason)


def _not_run(layout: Layout) -> ModelRun:
    return ModelRun(layout=layout, verdict=Verdict.NOT_RUN)


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
