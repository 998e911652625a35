"""Boots of many layouts: results from a journal where it has them, the rest divided among processes, chunk by chunk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.layouts import Layout
from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import boot, boot_alike, deep_recursion
from kpatch_tools.workers import divide

from .journal import Journal, layout_key
from .outcome import Outcome, outcome_of
from .shapes import Shape, scaled_layout

CHUNK = 24
"""Layouts that a process takes at a time: a fraction of a second."""

Kernels = Mapping[int | None, Guest]
"""A translated kernel for each `image_end` that layouts name."""
Done = Callable[[int, Outcome], None]


@dataclass(frozen=True, slots=True)
class Booting:
    """How shapes are booted. `journal` keeps results; those it has already are `known`, by key."""

    kernels: Kernels
    jobs: int = 2
    journal: Journal | None = None
    known: Mapping[str, Outcome] | None = None

    def outcome(self, shape: Shape) -> Outcome:
        """One boot, in this process."""
        return boot_layout(self.kernels, scaled_layout(shape))

    def remembers(self, shape: Shape) -> bool:
        """Whether the journal had the shape's outcome before."""
        return self.known is not None and self._key(shape) in self.known

    def each(self, shapes: Sequence[Shape], *, until_fault: bool = False) -> Iterator[tuple[int, Outcome]]:
        """(index, outcome) of the shapes, in the order in which they are known.

        With `until_fault` the iterator ends after the first fault; closing it ends the processes. What has been
        yielded is in the journal.
        """
        missing: list[int] = []
        for index, shape in enumerate(shapes):
            found = self.known.get(self._key(shape)) if self.known is not None else None
            if found is None:
                missing.append(index)
                continue
            yield index, found
            if until_fault and found.is_fault:
                return
        # What every layout executes is translated before there are processes: they would each do it again.
        first = _one_of_each_image(shapes, missing)
        rest = [index for index in missing if index not in first]
        families: dict[Shape, list[int]] = {}
        for index in rest:
            families.setdefault(replace(shapes[index], acpi=True, numa=False), []).append(index)
        chunks = [first, *_chunks(list(families.values()))]

        def work(chunk: list[int]) -> list[Outcome]:
            with deep_recursion():
                return self._outcomes([shapes[index] for index in chunk])

        for chunk, outcomes in _answers(work, [chunk for chunk in chunks if chunk], self.jobs):
            answered = dict(zip(chunk, outcomes, strict=True))
            if self.journal is not None:
                self.journal.append({self._key(shapes[index]): item for index, item in answered.items()})
            yield from answered.items()
            if until_fault and any(item.is_fault for item in outcomes):
                return

    def _outcomes(self, shapes: Sequence[Shape]) -> list[Outcome]:
        """Boots of neighbours that differ in their scenario only share what comes before it."""
        outcomes: list[Outcome] = []
        for _, family in groupby(shapes, lambda shape: replace(shape, acpi=True, numa=False)):
            layouts = [scaled_layout(shape) for shape in family]
            guest = self.kernels[layouts[0].image_end]
            try:
                outcomes += [outcome_of(run) for run in boot_alike(guest, layouts)]
            except KpatchError as error:
                outcomes += [Outcome(Verdict.UNDETERMINED, message=error.message)] * len(layouts)
        return outcomes

    def _key(self, shape: Shape) -> str:
        layout = scaled_layout(shape)
        return layout_key(self.kernels[layout.image_end].identity, layout)


def boot_layout(kernels: Kernels, layout: Layout) -> Outcome:
    """The outcome of one boot; UNDETERMINED where the layout turns out to have no room for the kernel."""
    try:
        return outcome_of(boot(kernels[layout.image_end], layout))
    except KpatchError as error:
        return Outcome(Verdict.UNDETERMINED, message=error.message)


def _chunks(families: Sequence[list[int]]) -> Iterator[list[int]]:
    """Whole families, up to CHUNK layouts together."""
    chunk: list[int] = []
    for family in families:
        if chunk and len(chunk) + len(family) > CHUNK:
            yield chunk
            chunk = []
        chunk = chunk + family
    if chunk:
        yield chunk


def _one_of_each_image(shapes: Sequence[Shape], numbers: Sequence[int]) -> list[int]:
    """For each image, one layout with everything: the last has the most."""
    return list({shapes[index].image: index for index in numbers}.values())


def _answers(
    work: Callable[[list[int]], list[Outcome]], chunks: Sequence[list[int]], jobs: int
) -> Iterator[tuple[list[int], list[Outcome]]]:
    """`work` on the first chunk here, then on the others in processes; a chunk whose process dies is undetermined."""
    if not chunks:
        return
    yield chunks[0], work(chunks[0])
    answers = divide(work, chunks[1:], jobs=jobs)
    for index, answer in answers:
        chunk = chunks[1 + index]
        if isinstance(answer, Exception):
            lost = Outcome(Verdict.UNDETERMINED, message=f"{type(answer).__name__}: {answer}")
            yield chunk, [lost] * len(chunk)
        else:
            yield chunk, answer
