"""Hooks from descriptions on real kernels: what is written for a parent is, in effect, what its commit brought."""

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import HookTable, Slot, find_hook_tables
from kpatch_tools.hooks.patches.described.catalogue import load_description
from kpatch_tools.hooks.patches.described.generate import generate_described
from kpatch_tools.hooks.patches.described.presence import probe_described
from kpatch_tools.hooks.patches.described.removal import TakenOut, take_out
from kpatch_tools.hooks.patches.written import Refused, Written
from kpatch_tools.syntax import descend, function_name, functions, parse_c
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

At = Callable[[str], BlobSource]


@dataclass(frozen=True, slots=True)
class Story:
    """A description and the commits it tells: `parent` has no part of the hook, `commit` all of it.

    `only_theirs`: what the commits bring beside the hook, as functions that are new or call more. `includes` may
    differ: ours come where no certain include is, theirs where somebody wanted them.
    """

    name: str
    parent: str
    commit: str
    only_theirs: frozenset[str] = frozenset()


STORIES = (
    # A call that nothing made before; the table's shared no-op; no override.
    Story("wallclock_init", "991cfffa7c19", "6b617e224dfa"),
    # A direct call replaced; the function is static before; a macro stands for it where PCI is left out.
    # The commit also includes a header in x86_init.c that nothing there needs.
    Story("fixup_irqs", "ab3b37937e8f", "9325a28ce2fa"),
    # A slot of the table itself, a default of its own, an override on a condition.
    # The commit also prints stacks on an NMI of its platform: a notifier, registered in uv_system_init().
    Story(
        "nmi_init",
        "36028f338387",
        "78c06176466c",
        frozenset({"uv_handle_nmi", "uv_register_nmi_notifier", "uv_system_init"}),
    ),
    # A condition in a header that other architectures share. Upstream took it in three commits: the slot, the
    # override (6d2cce62017e), the call (5cdfa1c3bbab).
    Story("i8042_detect", "72550b3ae545", "5cdfa1c3bbab"),
)
LATER = ("v2.6.39", "v3.1", "tree-3.3.6")


@pytest.fixture(scope="module")
def at(linux_git: Path) -> At:
    tree = KernelTree.open(linux_git)
    return lambda revision: tree.at(revision)


def written(source: BlobSource, name: str) -> Mapping[RepoPath, bytes]:
    hook = generate_described(source, load_description(name))
    assert isinstance(hook, Written), hook
    return {path: data or b"" for path, data in hook.changes.items()}


def table_of(source: BlobSource, name: str) -> HookTable:
    (table,) = find_hook_tables(source, table=load_description(name).table.variable).tables
    return table


def effects(table: HookTable) -> set[tuple[str, ...]]:
    """Every slot, and what fills, overrides and calls it: by function, file and the function around."""
    out: set[tuple[str, ...]] = set()
    for slot in table.slots:
        out.add(("slot", slot.path, slot.signature))
        out.update(uses_of(slot))
    return out


def uses_of(slot: Slot) -> set[tuple[str, ...]]:
    references = [("default", one) for one in slot.defaults] + [("override", one) for one in slot.overrides]
    out: set[tuple[str, ...]] = {
        (kind, slot.path, one.function, one.location.file, one.location.function or "") for kind, one in references
    }
    out |= {("call", slot.path, one.file, one.function or "") for one in slot.call_sites}
    return out | {("guard", slot.path, one.file, one.function or "") for one in slot.guards}


def calls_of(data: bytes) -> dict[str, list[str]]:
    """What each function of a file calls, in order."""
    return {
        function_name(function) or "": [
            " ".join((one.child_by_field_name("function") or one).text.decode("latin-1").split())  # type: ignore[union-attr]
            for one in descend(function)
            if one.type == "call_expression"
        ]
        for function in functions(parse_c(data))
    }


def without(calls: dict[str, list[str]], name: str) -> dict[str, list[str]]:
    return {function: [one for one in called if one != name] for function, called in calls.items()}


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_the_parent_has_no_part_and_the_commit_all(at: At, story: Story) -> None:
    hook = load_description(story.name)
    assert probe_described(at(story.parent), hook).state == "absent"
    assert probe_described(at(story.commit), hook).state == "present"


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_the_tables_are_those_of_the_commit(at: At, story: Story) -> None:
    before, real = at(story.parent), at(story.commit)
    ours = Overlay(before, written(before, story.name))
    mine, theirs = effects(table_of(ours, story.name)), effects(table_of(real, story.name))
    assert mine == theirs
    assert mine != effects(table_of(before, story.name))


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_the_functions_are_those_of_the_commit(at: At, story: Story) -> None:
    before, real = at(story.parent), at(story.commit)
    changes = written(before, story.name)
    changed = {path for path in changes if path.endswith((".c", ".h"))}
    for path in changed:
        ours, theirs = calls_of(changes[path]), calls_of(real.read(path) or b"")
        kept = {name: calls for name, calls in theirs.items() if name not in story.only_theirs}
        assert {name: calls for name, calls in ours.items() if name not in story.only_theirs} == kept


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_the_same_files_change(at: At, story: Story) -> None:
    before, real = at(story.parent), at(story.commit)
    changes = written(before, story.name)
    assert all(before.read(path) != real.read(path) for path in changes)


@pytest.mark.parametrize("revision", LATER)
@pytest.mark.parametrize("name", [story.name for story in STORIES])
def test_taken_out_and_written_again(at: At, name: str, revision: str) -> None:
    """Also the overrides that came later are where they were, for nobody took them out."""
    source, hook = at(revision), load_description(name)
    assert probe_described(source, hook).state == "present"
    taken = take_out(source, hook)
    assert isinstance(taken, TakenOut), taken
    bare = Overlay(source, taken.changes)
    assert probe_described(bare, hook).state == "absent"
    changes = written(bare, name)
    assert set(changes) == set(taken.changes)
    again = Overlay(bare, changes)
    assert effects(table_of(again, name)) == effects(table_of(source, name))
    for path in changes:
        # Between the call and what it is written before, later commits have put calls of their own.
        ours, theirs = calls_of(changes[path]), calls_of(source.read(path) or b"")
        assert {one: sorted(calls) for one, calls in ours.items()} == {one: sorted(c) for one, c in theirs.items()}
        assert without(ours, hook.path) == without(theirs, hook.path)
    assert isinstance(generate_described(again, hook), Refused)


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_taken_out_of_the_commit_is_the_parent_in_effect(at: At, story: Story) -> None:
    taken = take_out(at(story.commit), load_description(story.name))
    assert isinstance(taken, TakenOut), taken
    assert not taken.foreign
    bare = Overlay(at(story.commit), taken.changes)
    assert effects(table_of(bare, story.name)) == effects(table_of(at(story.parent), story.name))


@pytest.mark.parametrize(
    ("name", "revision", "reasons"),
    [
        ("fixup_irqs", "v2.6.32", ("no struct x86_init_pci", "no macro x86_default_pci_init_irq")),
        ("wallclock_init", "v2.6.20", ("no struct x86_init_timers", "no initialiser of x86_init")),
        ("nmi_init", "v2.6.32", ("no member is_untracked_pat_range", "sets x86_platform.is_untracked_pat_range never")),
    ],
)
def test_refused_with_every_reason(at: At, name: str, revision: str, reasons: tuple[str, ...]) -> None:
    hook = generate_described(at(revision), load_description(name))
    assert isinstance(hook, Refused)
    said = "; ".join(lack.message for lack in hook.lacks)
    assert all(reason in said for reason in reasons), said


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_nothing_new_from_the_compiler(at: At, scratch: Callable[..., Any], tmp_path: Path, story: Story) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc at hand")
    before = at(story.parent)
    changes = written(before, story.name)
    # A header of a driver is compiled as what includes it.
    users = {RepoPath("drivers/input/serio/i8042-x86ia64io.h"): RepoPath("drivers/input/serio/i8042.c")}
    files = tuple(users.get(path, path) for path in changes if path.endswith(".c") or path in users)
    old, new = scratch(before, tmp_path / "old"), scratch(Overlay(before, changes), tmp_path / "new")
    for one in (old, new):
        one.prepare(files)
    for file in files:
        said = old.diagnostics(file)
        assert [line for line in said if " error: " in line] == []
        assert new.diagnostics(file) - said == Counter()
