"""Use case: what a patch, or a stretch of history, changes on the machine; not in the text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at, patched
from kpatch_tools.app.workers import Workers
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import load_hook, remove_hook
from kpatch_tools.model import DEFAULT_LAYOUTS, Layout, Verdict
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.unit import boot_files
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.compare import BootedState, StateComparison, boot_to_state, compare_states
from kpatch_tools.model.run import ModelRun, load_kernel
from kpatch_tools.patch import Patch
from kpatch_tools.syntax import Node, descend, find_functions, parse_c
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree, Revision

Progress = Callable[[str], None]

_LOOPS = frozenset({"while_statement", "for_statement", "do_statement"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is done in memory to the second side, in this order; with none of it, the sides are two revisions."""

    patch: Patch | None = None
    without_hook: str | None = None
    """The bundled hook that is taken out."""
    without_loops_of: str | None = None
    """The function whose loops are taken out."""

    def __str__(self) -> str:
        said = [
            "with the patch" if self.patch is not None else "",
            f"without the hook {self.without_hook}" if self.without_hook else "",
            f"without the loops of {self.without_loops_of}" if self.without_loops_of else "",
        ]
        return ", ".join(text for text in said if text)

    def apply(self, source: BlobSource, revision: str) -> BlobSource:
        """KpatchError: patch-does-not-apply, unknown-hook, cannot-remove."""
        if self.patch is not None:
            source = patched(source, self.patch, revision)
        if self.without_hook:
            removed = remove_hook(source, load_hook(self.without_hook))
            if removed is None:
                raise KpatchError(
                    "cannot-remove",
                    f"{revision} does not have {self.without_hook}, or its parts cannot be taken out",
                    hint=f"put it in instead: kpt generate {self.without_hook} | kpt model compare … --with -",
                )
            source = Overlay(source, removed)
        if self.without_loops_of:
            source = Overlay(source, without_loops(source, self.without_loops_of))
        return source


@dataclass(frozen=True, slots=True)
class CompareReport:
    """One comparison a layout, in the layouts' order. `changes` says in words what was done to `new`; "" nothing."""

    old: Revision
    new: Revision
    changes: str
    comparisons: tuple[StateComparison, ...]

    @property
    def exit(self) -> Exit:
        """PERSON where any layout differs, else UNDETERMINED where one is."""
        verdicts = {one.verdict for one in self.comparisons}
        if "differs" in verdicts:
            return Exit.PERSON
        return Exit.UNDETERMINED if "undetermined" in verdicts else Exit.DONE

    @property
    def is_redundant(self) -> bool:
        """Whether what was changed in memory makes no difference to a kernel that boots on every layout."""
        both = [run.verdict for one in self.comparisons for run in (one.before.run, one.after.run)]
        return bool(self.changes) and self.exit is Exit.DONE and set(both) == {Verdict.OK}


def compare(
    tree: KernelTree,
    old: str,
    new: str,
    layouts: Sequence[Layout] = DEFAULT_LAYOUTS,
    *,
    changes: Changes | None = None,
    jobs: int = 2,
    progress: Progress = lambda _: None,
) -> CompareReport:
    """Boot both on each of `layouts` and compare the states they leave the machine in; `changes` are made to `new`.

    KpatchError: unknown-revision, not-a-kernel-tree, bad-layout, and what `Changes.apply` raises.
    """
    one, other = kernel_at(tree, old), kernel_at(tree, new)
    done = changes or Changes()
    sources = (tree.at(one), done.apply(tree.at(other), new))
    booted = _boot_all(sources, layouts, jobs, progress)
    comparisons = tuple(compare_states(*booted[number]) for number in range(len(layouts)))
    return CompareReport(one, other, str(done), comparisons)


def without_loops(source: BlobSource, function: str) -> Mapping[RepoPath, bytes]:
    """The files that define `function`, with each loop of it replaced by nothing; lines keep their numbers.

    KpatchError cannot-remove where no file that is executed defines it, or it has no loop.
    """
    changed: dict[RepoPath, bytes] = {}
    for path in boot_files(source):
        data = source.read(path) or b""
        if function.encode() not in data:
            continue
        parsed = parse_c(data)
        for start, end in (piece for found in find_functions(parsed, function) for piece in _loops(found)):
            lines = data[start:end].count(b"\n")
            blank = b";" + b"\n" * lines
            changed[path] = data = data[:start] + blank + b" " * (end - start - len(blank)) + data[end:]
    if not changed:
        raise KpatchError(
            "cannot-remove",
            f"no function {function} with a loop is executed",
            hint="name a function of the page tables",
        )
    return changed


def _loops(function: Node) -> Iterator[tuple[int, int]]:
    """The outermost loops, as byte ranges."""
    past = 0
    for node in descend(function):
        if node.type in _LOOPS and node.start_byte >= past:
            past = node.end_byte
            yield node.start_byte, node.end_byte


def _boot_all(
    sources: Sequence[BlobSource], layouts: Sequence[Layout], jobs: int, progress: Progress
) -> dict[int, tuple[BootedState, BootedState]]:
    """Both sides of each layout, by its number."""
    cache = LineCache()
    kernels: dict[tuple[int, int | None], Guest | str] = {}
    for side, source in enumerate(sources):
        for image_end in {layout.image_end for layout in layouts}:
            progress("reading the tree")
            try:
                kernels[side, image_end] = load_kernel(source, image_end, cache=cache)
            except (Unsupported, KpatchError, RecursionError) as error:
                kernels[side, image_end] = f"the tree cannot be loaded: {error}"

    def work(job: tuple[int, int]) -> BootedState:
        number, side = job
        layout = layouts[number]
        kernel = kernels[side, layout.image_end]
        if isinstance(kernel, str):
            return BootedState(ModelRun(layout=layout, verdict=Verdict.UNDETERMINED, reason=kernel), None)
        return boot_to_state(kernel, layout)

    waiting = [(number, side) for number in reversed(range(len(layouts))) for side in (1, 0)]
    total = len(waiting)
    results: dict[tuple[int, int], BootedState] = {}
    workers = Workers(lambda: work, jobs=jobs)
    try:
        for job, result in workers.run(lambda: waiting.pop() if waiting else None):
            results[job] = result
            progress(f"booted {len(results)} of {total}")
    finally:
        workers.close()
    return {number: (results[number, 0], results[number, 1]) for number in range(len(layouts))}
