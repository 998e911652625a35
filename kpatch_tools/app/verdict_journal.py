"""Verdicts on disk: what was settled once, for good. One line of JSON each, appended as soon as it is known.

A journal is about one model on one machine in one configuration; another of any of these is another file. Interrupted
runs leave what they had; a line that is damaged, or was cut off, counts as absent.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.model import ModelRun, Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict in short. `kind` is the fault's stable name, `stage` how far the boot got, `message` for people.

    A verdict that was taken over from another unit has that one's message: a line number in it may be off.
    """

    verdict: Verdict
    kind: str = ""
    stage: str = ""
    message: str = ""

    def is_like(self, other: "Answer") -> bool:
        """Whether both say the same: the same verdict, reached in the same stage by a fault of the same kind.

        Two that are undetermined are alike, whatever the reasons.
        """
        if self.verdict is Verdict.UNDETERMINED or other.verdict is Verdict.UNDETERMINED:
            return self.verdict is other.verdict
        return (self.verdict, self.kind, self.stage) == (other.verdict, other.kind, other.stage)

    def __str__(self) -> str:
        return f"{self.verdict.value} ({self.kind}, {self.stage})" if self.kind else self.verdict.value


def answer_of(run: ModelRun) -> Answer:
    fault = run.fault
    if fault is None:
        return Answer(run.verdict, "", run.stage, run.reason)
    why = [line for line in fault.refusals[:1] if line not in fault.message]
    return Answer(run.verdict, fault.kind, fault.stage, "; Xen: ".join((fault.message, *why)))


@dataclass(frozen=True, slots=True)
class Basis:
    """One unit's boots: a unit whose `relevant_digest` over `names` is `relevant` has its answers on `layouts`."""

    unit: str
    layouts: frozenset[str]
    names: frozenset[str]
    relevant: str


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A tree's unit, and the paths it was found by (see model.relevance.Outline)."""

    digest: str
    looked_up: frozenset[RepoPath]


@dataclass(slots=True)
class VerdictJournal:
    """`units` by root tree, `answers` by unit and layout digest. Without a `file` nothing outlives the process.

    A file that cannot be read or written is no error: it costs time only.
    """

    file: Path | None = None
    units: dict[ObjectId, KnownUnit] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    bases: list[Basis] = field(default_factory=list)
    _paths: dict[str, frozenset[RepoPath]] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, key: str) -> "VerdictJournal":
        """The journal of that key below `folder`."""
        journal = cls(folder / f"{key}.jsonl")
        assert journal.file is not None
        with suppress(OSError), journal.file.open(encoding="utf-8") as lines:
            for line in lines:
                with suppress(ValueError, KeyError, TypeError):
                    journal._take(json.loads(line))
        return journal

    def note_unit(self, tree: ObjectId, unit: KnownUnit) -> None:
        paths = sorted(unit.looked_up)
        name = hashlib.sha256("\n".join(paths).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        if name not in self._paths:
            self._add({"paths": name, "list": paths})
        self._add({"tree": tree, "unit": unit.digest, "by": name})

    def note_answers(self, unit: str, answers: Mapping[str, Answer]) -> None:
        for layout, answer in answers.items():
            self._add({"unit": unit, "layout": layout, "answer": asdict(answer)})

    def note_basis(self, basis: Basis) -> None:
        fields = {"layouts": sorted(basis.layouts), "names": sorted(basis.names), "relevant": basis.relevant}
        self._add({"basis": basis.unit, **fields})

    def _take(self, fields: Mapping[str, Any]) -> None:
        if "list" in fields:
            self._paths[fields["paths"]] = frozenset(RepoPath(path) for path in fields["list"])
        elif "tree" in fields:
            self.units[ObjectId(fields["tree"])] = KnownUnit(fields["unit"], self._paths[fields["by"]])
        elif "answer" in fields:
            answer = fields["answer"]
            known = Answer(Verdict(answer["verdict"]), answer["kind"], answer["stage"], answer["message"])
            self.answers[fields["unit"], fields["layout"]] = known
        elif "basis" in fields:
            layouts, names = frozenset(fields["layouts"]), frozenset(fields["names"])
            self.bases.append(Basis(fields["basis"], layouts, names, fields["relevant"]))

    def _add(self, fields: Mapping[str, Any]) -> None:
        self._take(fields)
        if self.file is None:
            return
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(fields, ensure_ascii=True, separators=(",", ":")) + "\n")
