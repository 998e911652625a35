"""What the main job needs from rooms it does not know: the checks and the model, given by the caller."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import blob_id
from kpatch_tools.tree import TreeAt

from .verdicts import ModelResult


@dataclass(frozen=True, slots=True)
class Proposal:
    """A result to be checked: the target as it was, the target with `changes`, and the message to go with them."""

    before: BlobSource
    after: BlobSource
    changes: Mapping[RepoPath, bytes | None]
    message: bytes


Checking = Callable[[Proposal], tuple[Finding, ...]]


class Modelling(Protocol):
    """Executes one version of the code on the layouts of this job."""

    def concerns(self, paths: Iterable[RepoPath]) -> bool:
        """Whether a change of these files can change a verdict at all."""
        ...

    def run(self, source: BlobSource, *, first: tuple[str, ...] = (), until_fault: bool = False) -> ModelResult:
        """Run all layouts, those named in `first` before the others.

        With `until_fault` the first fault ends the job: the result then lacks the layouts that were not reached.
        """
        ...


class RememberingModel:
    """A model that is asked only once about the same version of the code in the same way."""

    def __init__(self, model: Modelling) -> None:
        self._model = model
        self._known: dict[tuple[Hashable, tuple[str, ...], bool], ModelResult] = {}

    def concerns(self, paths: Iterable[RepoPath]) -> bool:
        return self._model.concerns(paths)

    def run(self, source: BlobSource, *, first: tuple[str, ...] = (), until_fault: bool = False) -> ModelResult:
        version = _version(source)
        if version is None:
            return self._model.run(source, first=first, until_fault=until_fault)
        # A run over everything serves any order, and one that stops early if it did not have to.
        for key in ((version, (), False), (version, first, until_fault)):
            if key in self._known:
                return self._known[key]
        result = self._model.run(source, first=first, until_fault=until_fault)
        self._known[version, first if until_fault else (), until_fault] = result
        return result


def _version(source: BlobSource) -> Hashable | None:
    """What tells one version of the code from another; None for a source of an unknown kind."""
    if isinstance(source, TreeAt):
        return source.tree
    if isinstance(source, Overlay) and (base := _version(source.base)) is not None:
        changes = {path: None if data is None else blob_id(data) for path, data in source.changes.items()}
        return (base, frozenset(changes.items())) if changes else base
    return None


Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything from outside."""

    check: Checking
    model: Modelling
    progress: Progress
