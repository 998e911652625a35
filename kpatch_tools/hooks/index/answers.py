"""The answers to every question, whoever keeps the facts: a keeper only says which files to look at."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from kpatch_tools.core.ids import RepoPath

from .codec import Kind, Question
from .facts import Assignment, At, Call, Function, MacroUse, MemberKind, Record, Typedef, Unread, Variable
from .query import Extent, Filled
from .records import FindTypedef, with_callbacks
from .words import names_in

FactT = TypeVar("FactT")
_HELD = (MemberKind.STRUCT, MemberKind.POINTER)


def known_typedefs(typedefs: Iterable[Typedef]) -> dict[str, Typedef]:
    """By name; of several files' typedefs of one name that of a function is taken, else the first."""
    known: dict[str, Typedef] = {}
    for typedef in typedefs:
        present = known.get(typedef.name)
        if present is None or (typedef.signature and not present.signature):
            known[typedef.name] = typedef
    return known


class Answers(ABC):
    """TreeFacts over files that may be more than those that answer; each is looked through."""

    _typedefs: dict[str, Typedef] | None = None

    @abstractmethod
    def files(self, question: Question | None, names: Sequence[str]) -> Iterable[Any]:
        """What stands for each file, in tree order, that has an answer for one of `names`; may be too many.

        No question: every file.
        """

    @abstractmethod
    def path(self, file: Any) -> RepoPath: ...

    @abstractmethod
    def facts(self, file: Any, kind: Kind) -> tuple[Any, ...]:
        """The facts of one kind in that file."""

    def some_facts(self, file: Any, kind: Kind, question: Question | None, names: frozenset[str]) -> tuple[Any, ...]:
        """Those of them that answer `question` for one of `names` (of what is unread: that hold one), and others."""
        return self.facts(file, kind)

    def files_of(self, kind: Kind) -> Iterable[Any]:
        """The files that have facts of that kind; may be too many."""
        return self.files(None, ())

    @abstractmethod
    def files_with_each(self, words: Iterable[str]) -> dict[str, tuple[RepoPath, ...]]:
        """See TreeFacts."""

    @abstractmethod
    def extent(self) -> Extent:
        """See TreeFacts."""

    @abstractmethod
    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """See TreeFacts."""

    def records(self, types: Iterable[str]) -> tuple[At[Record], ...]:
        wanted = frozenset(types)
        return self._records(Question.RECORD_TYPE, wanted, lambda record: record.type in wanted, lambda record: True)

    def slot_records(self) -> tuple[At[Record], ...]:
        callbacks = frozenset(typedef.name for typedef in self._all_typedefs().values() if _may_be_slot(typedef))

        def may_be(record: Record) -> bool:
            return any(member.kind is MemberKind.SLOT or member.type in callbacks for member in record.members)

        def is_wanted(record: Record) -> bool:
            return any(member.kind is MemberKind.SLOT for member in record.members)

        # One question after the other: a keeper of facts fetches ahead for the one that was asked last.
        plain = self._placed_records(Question.RECORD_WITH_SLOT, frozenset({""}), may_be, is_wanted)
        by_typedef = self._placed_records(Question.MEMBER_TYPE, callbacks, may_be, is_wanted)
        found = {(file, record.fact.type, record.fact.line): record for file, record in (*plain, *by_typedef)}
        return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[2])))

    def holders(self, types: Iterable[str]) -> tuple[At[Record], ...]:
        wanted = frozenset(types)

        def holds(record: Record) -> bool:
            return any(member.type in wanted and member.kind in _HELD for member in record.members)

        return self._records(Question.MEMBER_TYPE, wanted, holds, holds)

    def aliases(self, types: Iterable[str]) -> frozenset[str]:
        wanted = frozenset(types)
        return frozenset(name for name, typedef in self._all_typedefs().items() if typedef.type in wanted)

    def typedefs(self, names: Iterable[str]) -> tuple[At[Typedef], ...]:
        wanted = frozenset(names)
        return self._chosen(Kind.TYPEDEF, Question.TYPEDEF_NAME, wanted, lambda typedef: typedef.name in wanted)

    def variables_of(self, types: Iterable[str]) -> tuple[At[Variable], ...]:
        wanted = frozenset(types)
        return self._chosen(Kind.VARIABLE, Question.VARIABLE_TYPE, wanted, lambda variable: variable.type in wanted)

    def variables_named(self, names: Iterable[str]) -> tuple[At[Variable], ...]:
        wanted = frozenset(names)
        return self._chosen(Kind.VARIABLE, Question.VARIABLE_NAME, wanted, lambda variable: variable.name in wanted)

    def filled_with(self, values: Iterable[str]) -> tuple[At[Filled], ...]:
        wanted = frozenset(values)
        return tuple(
            At(self.path(file), Filled(variable, fill))
            for file in self.files(Question.FILL_VALUE, sorted(wanted))
            for variable in self.facts(file, Kind.VARIABLE)
            for fill in variable.fills
            if not wanted.isdisjoint(names_in(fill.value))
        )

    def assigned(self, values: Iterable[str]) -> tuple[At[Assignment], ...]:
        wanted = frozenset(values)
        return self._chosen(
            Kind.ASSIGNMENT,
            Question.ASSIGNED_VALUE,
            wanted,
            lambda assignment: not wanted.isdisjoint(names_in(assignment.value)),
        )

    def assignments(self, members: Iterable[str]) -> tuple[At[Assignment], ...]:
        wanted = frozenset(members)
        return self._chosen(
            Kind.ASSIGNMENT, Question.ASSIGNED_MEMBER, wanted, lambda assignment: assignment.member in wanted
        )

    def calls(self, members: Iterable[str]) -> tuple[At[Call], ...]:
        wanted = frozenset(members)
        return self._chosen(Kind.CALL, Question.CALLED_MEMBER, wanted, lambda call: call.member in wanted)

    def functions(self, names: Iterable[str]) -> tuple[At[Function], ...]:
        wanted = frozenset(names)
        return self._chosen(Kind.FUNCTION, Question.FUNCTION_NAME, wanted, lambda function: function.name in wanted)

    def macros(self, members: Iterable[str]) -> tuple[At[MacroUse], ...]:
        wanted = frozenset(members)
        return self._chosen(
            Kind.MACRO, Question.MACRO_MEMBER, wanted, lambda macro: not wanted.isdisjoint(macro.members)
        )

    def macros_named(self, names: Iterable[str]) -> tuple[At[MacroUse], ...]:
        wanted = frozenset(names)
        return self._chosen(Kind.MACRO, Question.MACRO_NAME, wanted, lambda macro: macro.name in wanted)

    def unread(self, words: Iterable[str] = ()) -> tuple[At[Unread], ...]:
        wanted = frozenset(words)
        return tuple(
            At(self.path(file), part)
            for file in self.files_of(Kind.UNREAD)
            for part in self.some_facts(file, Kind.UNREAD, None, wanted)
            if not wanted or not wanted.isdisjoint(part.words)
        )

    def _chosen(
        self, kind: Kind, question: Question, names: frozenset[str], is_wanted: Callable[[Any], bool]
    ) -> tuple[At[Any], ...]:
        return tuple(
            At(self.path(file), fact)
            for file in self.files(question, sorted(names))
            for fact in self.some_facts(file, kind, question, names)
            if is_wanted(fact)
        )

    def _records(
        self,
        question: Question,
        names: frozenset[str],
        may_be: Callable[[Record], bool],
        is_wanted: Callable[[Record], bool],
    ) -> tuple[At[Record], ...]:
        return tuple(record for _, record in self._placed_records(question, names, may_be, is_wanted))

    def _placed_records(
        self,
        question: Question,
        names: frozenset[str],
        may_be: Callable[[Record], bool],
        is_wanted: Callable[[Record], bool],
    ) -> list[tuple[Any, At[Record]]]:
        """The records that answer the question, each with what stands for its file."""
        everywhere = self._all_typedefs()
        found: list[tuple[Any, At[Record]]] = []
        for file in self.files(question, sorted(names)):
            find: FindTypedef | None = None
            for record in self.some_facts(file, Kind.RECORD, question, names):
                if not may_be(record):
                    continue
                find = find or FindTypedef(known_typedefs(self.facts(file, Kind.TYPEDEF)), everywhere)
                resolved = with_callbacks(record, find)
                if is_wanted(resolved):
                    found.append((file, At(self.path(file), resolved)))
        return found

    def _all_typedefs(self) -> dict[str, Typedef]:
        if self._typedefs is None:
            self._typedefs = known_typedefs(
                typedef for file in self.files_of(Kind.TYPEDEF) for typedef in self.facts(file, Kind.TYPEDEF)
            )
        return self._typedefs


def _may_be_slot(typedef: Typedef) -> bool:
    """Whether a member of that type may turn out a slot: a function's typedef, or another name for one."""
    return bool(typedef.signature) or (bool(typedef.type) and " " not in typedef.type)
