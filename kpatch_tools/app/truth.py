"""Use case: run the model for every record of real boots, and hold the verdicts against what happened."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from kpatch_tools.app.exits import Exit
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import ModelRun, Verdict, run_model
from kpatch_tools.model.boot.profile import PROFILE, with_config
from kpatch_tools.model.truth import Agreement, Comparison, Edit, KernelSpec, RealBoot, compare
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree, merge_blobs
from kpatch_tools.workers import divide

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TruthReport:
    """One comparison a record, in the records' order.

    `allowed` are the ids that may be undetermined; `not_undetermined` those of them that have a verdict, or no record.
    """

    comparisons: tuple[Comparison, ...]
    allowed: frozenset[str] = frozenset()

    def count(self, state: Agreement) -> int:
        return sum(comparison.state is state for comparison in self.comparisons)

    @property
    def confusion(self) -> dict[str, dict[Verdict, int]]:
        """How often each verdict met each real outcome, "boots" or "crash"."""
        table: dict[str, dict[Verdict, int]] = {"boots": {}, "crash": {}}
        for comparison in self.comparisons:
            row = table["crash" if comparison.boot.crashed else "boots"]
            row[comparison.run.verdict] = row.get(comparison.run.verdict, 0) + 1
        return table

    @property
    def not_undetermined(self) -> tuple[str, ...]:
        undetermined = {one.boot.id for one in self.comparisons if one.state is Agreement.UNDETERMINED}
        return tuple(sorted(self.allowed - undetermined))

    @property
    def exit(self) -> Exit:
        """PERSON where a record disagrees, else UNDETERMINED where one is that may not be."""
        if self.count(Agreement.DISAGREE):
            return Exit.PERSON
        undetermined = {one.boot.id for one in self.comparisons if one.state is Agreement.UNDETERMINED}
        return Exit.UNDETERMINED if undetermined - self.allowed or not self.comparisons else Exit.DONE


def check_truth(
    tree: KernelTree,
    boots: Sequence[RealBoot],
    *,
    allow_undetermined: Collection[str] = (),
    progress: Progress | None = None,
    jobs: int = 2,
) -> TruthReport:
    """Run the model for each of `boots` and compare; kernels are translated once, in up to `jobs` processes.

    A kernel that cannot be made from `tree` (no such commit, a change that does not fit, one told in words) is
    UNDETERMINED, as is one that the model cannot execute.
    """
    report = progress or (lambda _text: None)
    kernels = _by_kernel(boots)
    found: dict[int, Comparison] = {}
    for number, comparison in _run_all(tree, boots, kernels, jobs):
        found[number] = comparison
        report(f"{len(found)} of {len(boots)}: {comparison.boot.id}: {comparison.state}")
    return TruthReport(tuple(found[number] for number in range(len(boots))), frozenset(allow_undetermined))


def _by_kernel(boots: Sequence[RealBoot]) -> list[list[int]]:
    """Records of one kernel and one place of it in memory, the costly groups first."""
    groups: dict[tuple[KernelSpec, int | None], list[int]] = {}
    for number, boot in enumerate(boots):
        groups.setdefault((boot.kernel, boot.layout.image_end), []).append(number)
    return sorted(groups.values(), key=lambda group: -sum(boots[number].layout.end for number in group))


def _run_all(
    tree: KernelTree, boots: Sequence[RealBoot], kernels: list[list[int]], jobs: int
) -> Iterator[tuple[int, Comparison]]:
    """Each record's number and comparison, kernel by kernel as they come."""

    @cache
    def at_hand(_process: int) -> tuple[KernelTree, LineCache]:
        # A repository's open files must not be shared between processes.
        return KernelTree.open(tree.path), LineCache()

    def work(group: list[int]) -> list[tuple[int, Comparison]]:
        own, lines = at_hand(os.getpid())
        return list(_run_kernel(own, boots, group, lines))

    for index, answer in divide(work, kernels, jobs=jobs):
        if isinstance(answer, ChildProcessError):
            reason = "the process that ran this record died"
            yield from ((number, _undetermined(boots[number], reason)) for number in kernels[index])
        elif isinstance(answer, Exception):
            raise answer
        else:
            yield from answer


def _run_kernel(
    tree: KernelTree, boots: Sequence[RealBoot], group: Sequence[int], cache: LineCache
) -> Iterator[tuple[int, Comparison]]:
    """The records of one kernel."""
    kernel = boots[group[0]].kernel
    try:
        source = kernel_source(tree, kernel)
    except KpatchError as error:
        for number in group:
            yield number, _undetermined(boots[number], f"the record's kernel cannot be made: {error.message}")
        return
    profile = with_config(PROFILE, dict(kernel.config))
    try:
        runs = run_model(source, [boots[number].layout for number in group], jobs=1, cache=cache, profile=profile)
    except KpatchError as error:
        # What the records say of their machines does not fit the kernel; the others of the group are as suspect.
        for number in group:
            yield number, _undetermined(boots[number], error.message)
        return
    for number, run in zip(group, runs, strict=True):
        yield number, compare(boots[number], run)


def _undetermined(boot: RealBoot, reason: str) -> Comparison:
    return compare(boot, ModelRun(layout=boot.layout, verdict=Verdict.UNDETERMINED, reason=reason))


def kernel_source(tree: KernelTree, kernel: KernelSpec) -> BlobSource:
    """The kernel of a record, in memory.

    Raises KpatchError "unknown-revision"; "by-hand" for a change told in words; "conflict" for a commit that does not
    fit where it is picked or taken out; "edit-does-not-apply".
    """
    if kernel.by_hand:
        raise KpatchError("by-hand", f"its change is told in words: {kernel.by_hand}")
    source: BlobSource = tree.at(tree.resolve(kernel.commit))
    for spelled in kernel.picks:
        source = _merged(tree, source, spelled, backwards=False)
    for spelled in kernel.reverts:
        source = _merged(tree, source, spelled, backwards=True)
    for edit in kernel.edits:
        source = Overlay(source, {edit.file: _edited(source, edit)})
    return source


def _merged(tree: KernelTree, source: BlobSource, spelled: str, *, backwards: bool) -> BlobSource:
    """`source` with a commit's change made, or taken back; of a merge, its change to the first parent."""
    commit = tree.resolve(spelled).oid
    parents = tree.commit(commit).parents
    if not parents:
        raise KpatchError("conflict", f"{spelled} has no parent: it is no change")
    before, after = tree.at(parents[0]), tree.at(commit)
    if backwards:
        before, after = after, before
    changes: dict[RepoPath, bytes | None] = {}
    for path in {path for change in tree.changes(commit) for path in (change.old_path, change.new_path) if path}:
        base, theirs, ours = before.read(path), after.read(path), source.read(path)
        if base == theirs or ours == theirs:
            continue
        if base is None or theirs is None or ours is None:
            if ours != base:
                raise KpatchError("conflict", f"{spelled} does not fit: {path}")
            changes[path] = theirs
            continue
        merged = merge_blobs(base, ours, theirs)
        if merged.conflicts:
            raise KpatchError("conflict", f"{spelled} does not fit: {path}")
        changes[path] = merged.data
    return Overlay(source, changes)


def _edited(source: BlobSource, edit: Edit) -> bytes:
    """The edit's file with the text replaced once, inside the function that it names."""
    data = source.read(edit.file)
    if data is None:
        raise KpatchError("edit-does-not-apply", f"there is no {edit.file}")
    text, find, new = (part.decode("latin-1") for part in (data, edit.find.encode(), edit.replace.encode()))
    places = [(0, len(text))]
    if edit.function:
        name = re.escape(edit.function)
        bodies = re.finditer(rf"^[^\n#]*\b{name}\([^;{{]*?\)[^;{{]*?\{{.*?^\}}", text, re.MULTILINE | re.DOTALL)
        places = [body.span() for body in bodies]
    found = [(start, end) for start, end in places if find in text[start:end]]
    if len(found) != 1 or text.count(find, *found[0]) != 1:
        where = f"{edit.function} of {edit.file}" if edit.function else edit.file
        raise KpatchError("edit-does-not-apply", f"{where} does not have the text to replace exactly once")
    start = text.index(find, *found[0])
    return (text[:start] + new + text[start + len(find) :]).encode("latin-1")
