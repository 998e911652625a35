"""Hooks from descriptions on real kernels: what is written for a parent is, in effect, what its commit brought."""

import re
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

    What differs in the files of the hook, by the names of its top-level items: `beside` is what the commits bring that
    is no part of the hook, `otherwise` are functions of the hook in other words, with the same calls.
    """

    name: str
    parent: str
    commit: str
    beside: frozenset[str] = frozenset()
    otherwise: frozenset[str] = frozenset()
    broken: str = ""
    """What keeps a file of the parent from compiling, hook or no hook."""


STORIES = (
    # A call that nothing made before; the table's shared no-op; no override.
    Story("wallclock_init", "991cfffa7c19", "6b617e224dfa"),
    # A direct call replaced; the function is static before; a macro stands for it where PCI is left out.
    # The commit also includes a header without which its parent does not compile in every configuration.
    Story(
        "fixup_irqs",
        "ab3b37937e8f",
        "9325a28ce2fa",
        beside=frozenset({"#include<linux/ioport.h>"}),
        broken="field 'res' has incomplete type",
    ),
    # A slot of the table itself, a default of its own, an override on a condition.
    # The commit also prints stacks on an NMI of its platform: a notifier, registered in uv_system_init(). Its
    # uv_nmi_init() has other names and steps for the same: read APIC_LVT1, set the mode, unmask, write.
    Story(
        "nmi_init",
        "36028f338387",
        "78c06176466c",
        beside=frozenset(
            {
                *("#include<linux/kdebug.h>", "DEFINE_SPINLOCK", "uv_dump_stack_nmi_nb"),
                *("uv_handle_nmi", "uv_register_nmi_notifier", "uv_system_init"),
            }
        ),
        otherwise=frozenset({"uv_nmi_init"}),
    ),
    # A condition in a header that other architectures share. Upstream took it in three commits: the slot, the
    # override (6d2cce62017e), the call (5cdfa1c3bbab).
    Story("i8042_detect", "72550b3ae545", "5cdfa1c3bbab"),
)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|^[ \t]*#(?:\\\n|[^\n])*|\w+|[^\s\w]', re.MULTILINE)
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


def items(data: bytes) -> Counter[str]:
    """The tokens of each directive, definition and declaration of a file, as plain text has them.

    A comma before a closing brace and a semicolon behind a function's body are dropped: neither says anything.
    """
    text = COMMENT.sub(" ", data.decode("latin-1"))
    found: list[list[str]] = [[]]
    depth = 0
    for token in TOKEN.findall(text):
        if token.startswith("#"):
            found[-1:] = [["".join(token.split())], found[-1]]
            continue
        if token == "}" and found[-1][-1:] == [","]:
            found[-1].pop()
        found[-1].append(token)
        depth += {"{": 1, "}": -1}.get(token, 0)
        if not depth and token in "};":
            found.append([])
    return Counter(" ".join(one) for one in found if one not in ([], [";"]))


def name_of_item(item: str) -> str:
    """A directive itself; else what stands before the first `(` or `=`."""
    return item if item.startswith("#") else re.split(r" [(=]", item)[0].split()[-1]


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
        kept = {name: calls for name, calls in theirs.items() if name not in story.beside}
        assert {name: calls for name, calls in ours.items() if name not in story.beside} == kept


@pytest.mark.parametrize("story", STORIES, ids=lambda one: one.name)
def test_the_tokens_are_those_of_the_commit(at: At, story: Story) -> None:
    """Comments, blanks, the order of top-level items, and two tokens that say nothing (see `items`) are left out."""
    changes, real = written(at(story.parent), story.name), at(story.commit)
    differ: set[str] = set()
    for path in changes:
        ours, theirs = items(changes[path]), items(real.read(path) or b"")
        differ |= {name_of_item(one) for one in (ours - theirs) + (theirs - ours)}
    assert differ == story.beside | story.otherwise


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
    before = at(story.parent)
    said, new = compiled(scratch, tmp_path, before, written(before, story.name))
    errors = [line for line in said if " error: " in line]
    assert [line for line in errors if not story.broken or story.broken not in line] == []
    assert new == Counter()


@pytest.mark.slow
@pytest.mark.parametrize("revision", LATER)
@pytest.mark.parametrize("name", [story.name for story in STORIES])
def test_nothing_new_from_the_compiler_later(
    at: At, scratch: Callable[..., Any], tmp_path: Path, name: str, revision: str
) -> None:
    taken = take_out(at(revision), load_description(name))
    assert isinstance(taken, TakenOut), taken
    bare = Overlay(at(revision), taken.changes)
    said, new = compiled(scratch, tmp_path, bare, written(bare, name))
    assert [line for line in said if " error: " in line] == []
    assert new == Counter()


def compiled(
    scratch: Callable[..., Any], folder: Path, before: BlobSource, changes: Mapping[RepoPath, bytes]
) -> tuple[Counter[str], Counter[str]]:
    """What gcc says of the files that change, as they were; and what it says with the changes only."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc at hand")
    # A header of a driver is compiled as what includes it.
    users = {RepoPath("drivers/input/serio/i8042-x86ia64io.h"): RepoPath("drivers/input/serio/i8042.c")}
    files = tuple(users.get(path, path) for path in changes if path.endswith(".c") or path in users)
    old, new = scratch(before, folder / "old"), scratch(Overlay(before, changes), folder / "new")
    for one in (old, new):
        one.prepare(files)
    said, added = Counter[str](), Counter[str]()
    for file in files:
        without_it = old.diagnostics(file)
        said += without_it
        added += new.diagnostics(file) - without_it
    return said, added
