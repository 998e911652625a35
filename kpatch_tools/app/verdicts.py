"""Use case inside others: the verdicts of many trees of one history, each distinct thing executed once."""

import gc
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kpatch_tools.app.verdict_journal import Answer, Basis, KnownUnit, VerdictJournal, answer_of
from kpatch_tools.app.workers import Workers
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.model import Layout, ModelRun
from kpatch_tools.model.boot.machine import REAL_MACHINE
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.relevance import DeclarationId, Names, Outline, Outliner, asked_names, relevant_digest
from kpatch_tools.model.run import boot, deep_recursion, load_kernel, run_model
from kpatch_tools.model.translations import kernel_key, profile_parts
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree

Progress = Callable[[str], None]

_JOURNAL_FORMAT = 1


def open_journal(cache_dir: Path | None) -> VerdictJournal:
    """The journal for the model as it is now, below `cache_dir`; None: one that ends with the process."""
    if cache_dir is None:
        return VerdictJournal()
    key = kernel_key(_JOURNAL_FORMAT, REAL_MACHINE.name, profile_parts(REAL_MACHINE.configuration))
    return VerdictJournal.open(cache_dir / "verdicts", key)


@dataclass(slots=True)
class Effort:
    """What it took: trees preprocessed, units booted, units that were told to be like a booted one."""

    outlined: int = 0
    booted: int = 0
    alike: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    """Outline a tree; with `layouts`, boot it."""

    tree: ObjectId
    layouts: tuple[Layout, ...] = ()


@dataclass(frozen=True, slots=True)
class _Booted:
    answers: tuple[Answer, ...]
    names: frozenset[str] | None
    """Every name that the boots asked for; None where the kernel could not be loaded."""


@dataclass(frozen=True, slots=True)
class _Outlined:
    outline: Outline
    names: dict[DeclarationId, Names]


class Verdicts:
    """Answers for trees on `layouts`, in that order.

    Nothing is executed twice: trees of the same unit, units that a boot cannot tell apart, and what the journal knows
    are settled without. `close` ends the processes.
    """

    def __init__(
        self,
        tree: KernelTree,
        layouts: Sequence[Layout],
        *,
        journal: VerdictJournal | None = None,
        jobs: int | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        self.layouts = tuple(layouts)
        self.effort = Effort()
        self._tree = tree
        self._journal = journal if journal is not None else VerdictJournal()
        self._progress = progress
        self._keys = tuple(layout_key(layout) for layout in self.layouts)
        self._outlines: dict[str, Outline] = {}
        self._names: dict[DeclarationId, Names] = {}
        self._ids: dict[DeclarationId, DeclarationId] = {}
        self._units: dict[ObjectId, str] = {}
        path = tree.path
        self._workers: Workers[_Job, _Booted | _Outlined] = Workers(
            lambda: _Worker(KernelTree.open(path)), jobs=jobs or os.cpu_count() or 1
        )

    def close(self) -> None:
        self._workers.close()

    @property
    def paths(self) -> frozenset[RepoPath]:
        """Every path that any unit known so far was found by."""
        return frozenset[RepoPath]().union(*{known.looked_up for known in self._journal.units.values()})

    def units(self, trees: Iterable[ObjectId]) -> dict[ObjectId, str]:
        """The digest of what is executed of each root tree."""
        wanted = list(dict.fromkeys(trees))
        while unknown := [one for one in wanted if one not in self._units]:
            if not (paths := self.paths):
                self._outline(unknown[-1:])
                continue
            # A tree that has the same at every path that a known one looked at is the same unit. What is left falls
            # into groups; the units of their firsts may look at more paths, and so divide the groups further.
            selection = self._tree.selection(sorted(paths))
            known = {selection.of(one): unit.digest for one, unit in self._journal.units.items() if self._has(one)}
            groups: dict[str, ObjectId] = {}
            for one in unknown:
                text = selection.of(one)
                if text in known:
                    self._units[one] = known[text]
                else:
                    groups.setdefault(text, one)
            self._outline(tuple(groups.values()))
        return {one: self._units[one] for one in wanted}

    def answers(self, trees: Iterable[ObjectId]) -> dict[ObjectId, tuple[Answer, ...]]:
        """The verdicts of each root tree; one that is like a booted one has its verdicts."""
        wanted = list(dict.fromkeys(trees))
        units = self.units(wanted)
        first = {units[one]: one for one in reversed(wanted)}
        self._settle({units[one]: first[units[one]] for one in wanted})
        return {one: tuple(self._journal.answers[units[one], key] for key in self._keys) for one in wanted}

    # --- inside

    def _has(self, tree: ObjectId) -> bool:
        """The journal may know trees of other repositories."""
        return tree in self._units or self._tree.has_object(tree)

    def _outline(self, trees: Sequence[ObjectId]) -> None:
        waiting = list(reversed(trees))
        for number, (job, result) in enumerate(
            self._workers.run(lambda: _Job(waiting.pop()) if waiting else None), start=1
        ):
            assert isinstance(result, _Outlined)
            self._learn(job.tree, result)
            self._progress(f"read {number} of {len(trees)} distinct states of the sources")

    def _learn(self, tree: ObjectId, result: _Outlined) -> None:
        self.effort.outlined += 1
        self._names.update(result.names)
        self._ids.update((one, one) for one in result.names if one not in self._ids)
        outline = result.outline
        if outline.digest not in self._outlines:
            # What comes from another process is a copy; units of a history share nearly all of their declarations.
            shared = tuple(self._ids[one] for one in outline.declarations)
            self._outlines[outline.digest] = replace(outline, declarations=shared)
        self._journal.note_unit(tree, KnownUnit(result.outline.digest, result.outline.looked_up))

    def _settle(self, units: dict[str, ObjectId]) -> None:
        """See that the journal has answers for all units on all layouts."""
        waiting = [unit for unit in units if not self._is_settled(unit)]
        self._find_outlines({unit: units[unit] for unit in waiting})
        total = len(waiting)
        waiting.reverse()
        unit_of = {tree: unit for unit, tree in units.items()}

        def next_job() -> _Job | None:
            while waiting:
                unit = waiting.pop()
                if not self._take_over(unit):
                    return _Job(units[unit], self.layouts)
            return None

        for job, result in self._workers.run(next_job):
            assert isinstance(result, _Booted)
            unit = unit_of[job.tree]
            self.effort.booted += 1
            self._journal.note_answers(unit, dict(zip(self._keys, result.answers, strict=True)))
            declarations = self._outlines[unit].declarations
            if declarations and result.names is not None:
                relevant = relevant_digest(declarations, self._names, result.names)
                self._journal.note_basis(Basis(unit, frozenset(self._keys), result.names, relevant))
            done = total - len(waiting)
            self._progress(f"settled {done} of {total} units, {self.effort.booted} of them by booting")

    def _is_settled(self, unit: str) -> bool:
        return all((unit, key) in self._journal.answers for key in self._keys)

    def _find_outlines(self, units: dict[str, ObjectId]) -> None:
        """Outlines of units that the journal knows by name only: those not settled on these layouts."""
        missing = [tree for unit, tree in units.items() if unit not in self._outlines]
        if missing:
            self._outline(missing)

    def _take_over(self, unit: str) -> bool:
        """Give `unit` the answers of a booted one that it cannot be told from."""
        declarations = self._outlines[unit].declarations
        for basis in reversed(self._journal.bases) if declarations else ():
            if not basis.layouts.issuperset(self._keys):
                continue
            if relevant_digest(declarations, self._names, basis.names) == basis.relevant:
                self.effort.alike += 1
                known = {key: self._journal.answers[basis.unit, key] for key in self._keys}
                self._journal.note_answers(unit, known)
                return True
        return False


def layout_key(layout: Layout) -> str:
    """What tells layouts apart in a boot: everything but their names."""
    return kernel_key(layout.ranges, layout.pages, layout.acpi, layout.numa, layout.image_end)


class _Worker:
    """What one process keeps between its jobs."""

    def __init__(self, tree: KernelTree) -> None:
        self._tree = tree
        self._cache = LineCache()
        self._outliner = Outliner(cache=self._cache)
        self._told: set[DeclarationId] = set()

    def __call__(self, job: _Job) -> _Booted | _Outlined:
        if job.layouts:
            return self._boot(job)
        outline = self._outliner.outline(self._tree.at(job.tree))
        names = self._outliner.names
        new = {one: names[one] for one in outline.declarations if one not in self._told}
        self._told.update(new)
        return _Outlined(outline, new)

    def _boot(self, job: _Job) -> _Booted:
        names: frozenset[str] | None = frozenset()
        answers: dict[Layout, Answer] = {}
        for image_end in {layout.image_end for layout in job.layouts}:
            group = tuple(layout for layout in job.layouts if layout.image_end == image_end)
            runs, asked = self._boot_group(job.tree, group)
            answers.update((run.layout, answer_of(run)) for run in runs)
            names = None if names is None or asked is None else names | asked
            gc.collect()
        return _Booted(tuple(answers[layout] for layout in job.layouts), names)

    def _boot_group(
        self, tree: ObjectId, layouts: tuple[Layout, ...]
    ) -> tuple[tuple[ModelRun, ...], frozenset[str] | None]:
        source = self._tree.at(tree)
        try:
            guest = load_kernel(source, layouts[0].image_end, cache=self._cache)
        except (Unsupported, KpatchError, RecursionError):
            # Undetermined, in the words of those who say so everywhere else; nothing can be told from it of others.
            return run_model(source, layouts, jobs=1, cache=self._cache), None
        asked = asked_names(guest)
        with deep_recursion():
            runs = tuple(boot(guest, layout) for layout in layouts)
        return runs, frozenset(asked)
