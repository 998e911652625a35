"""What the main job needs from rooms it does not know: the checks and the model, given by the caller."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

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


Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything from outside."""

    check: Checking
    model: Modelling
    progress: Progress
