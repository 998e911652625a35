"""The story of the pagetable_reserve hook on real history: one answer per version, also under other commit ids."""

import hashlib
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.modelling import modelling
from kpatch_tools.backport import Outcome, Verdict
from kpatch_tools.patch import parse_patch
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]

PREREQUISITE = "b9269dc7bfdf"
REVERT = "92bdaef7b2c5"
HOOK = "279b706bf800"
FOLLOWUP = "53f8023febf9"


@dataclass(frozen=True)
class Expected:
    """What the answer must be. `control` and `patched`: OK, faults (any such verdict), or None for either."""

    outcome: Outcome
    exit: int
    prerequisites: tuple[str, ...] = ()
    followup: str | None = None
    control: str | None = None
    patched: str | None = None


NOT_AFFECTED = Expected(Outcome.NOT_AFFECTED, 0)
NEEDS_LIMIT = Expected(Outcome.NEEDS_PREREQUISITE, 1, (PREREQUISITE,), "folded-in", "faults", "faults")
NEEDS_REVERT = Expected(Outcome.NEEDS_PREREQUISITE, 1, (REVERT,), "folded-in", "faults", "faults")
NECESSARY = Expected(Outcome.ALREADY_PRESENT, 0, (), "present", "faults", "OK")
REDUNDANT = Expected(Outcome.ALREADY_PRESENT, 0, (), "present", "OK", "OK")

STORY = {
    "v2.6.32": NOT_AFFECTED,
    "v2.6.36": NOT_AFFECTED,
    "v2.6.37": NOT_AFFECTED,
    "v2.6.38": Expected(Outcome.NOT_AFFECTED, 0, control="OK"),
    "v2.6.39-rc1": NEEDS_LIMIT,
    "v2.6.39-rc3": NEEDS_LIMIT,
    "v2.6.39-rc5": NEEDS_LIMIT,
    "v2.6.39-rc6": NEEDS_REVERT,
    "v2.6.39-rc7": NEEDS_REVERT,
    "92bdaef7b2c": Expected(Outcome.BACKPORTED, 0, (), "folded-in", "faults", "OK"),
    "279b706bf80": Expected(Outcome.ALREADY_PRESENT, 0, (), "missing", "faults", "OK"),
    "v2.6.39": NECESSARY,
    "v3.0": NECESSARY,
    "v3.1": REDUNDANT,
    "tree-3.8.13": REDUNDANT,
    "tree-3.9.6": Expected(Outcome.SUPERSEDED, 0, control="OK"),
}


def run(tree, target, subject="pagetable_reserve", **options):
    return backport(BackportRequest(target=target, subject=subject, **options), tree, model=modelling(lambda _: None))


def is_as(verdict: Verdict, expected: str | None) -> bool:
    return expected is None or (verdict.faults if expected == "faults" else verdict == expected)


def hold_against(report, expected, new_id=lambda old: old):
    answer = report.answer
    assert (answer.outcome, int(report.exit)) == (expected.outcome, expected.exit), answer.reason
    assert [one.commit[:12] for one in answer.prerequisites] == [new_id(old) for old in expected.prerequisites]
    if expected.followup is not None:
        assert [(one.commit[:12], one.state) for one in answer.followups] == [(new_id(FOLLOWUP), expected.followup)]
    assert is_as(answer.control.verdict, expected.control), answer.control.describe()
    assert is_as(answer.patched.verdict, expected.patched), answer.patched.describe()


@pytest.fixture(scope="module")
def tree(linux_git):
    return KernelTree.open(linux_git)


@pytest.mark.parametrize("target", STORY)
def test_the_hook(tree, target):
    hold_against(run(tree, target), STORY[target])


def test_the_hooks_own_commit_where_nothing_needs_it(tree):
    assert run(tree, "v2.6.38", HOOK).outcome is Outcome.NOT_AFFECTED


def test_the_hooks_own_commit_with_its_prerequisite(tree):
    answer = run(tree, "v2.6.39-rc5", HOOK).answer
    assert answer.outcome is Outcome.NEEDS_PREREQUISITE
    assert [one.commit[:12] for one in answer.prerequisites] == [PREREQUISITE]


def test_the_hooks_own_commit_fails_the_section_check_that_its_follow_up_repairs(tree):
    report = run(tree, "92bdaef7b2c", HOOK)
    assert (report.outcome, int(report.exit)) == (Outcome.BACKPORTED, 1)
    assert "section-mismatch" in {one.id for one in report.answer.checks if one.status.name == "FAIL"}
    assert [(one.commit[:12], one.state) for one in report.answer.followups] == [(FOLLOWUP, "missing")]


def test_a_part_of_the_hook_as_mail_is_incomplete(tree):
    """One of the five files, as somebody might send it."""
    change = subprocess.run(
        ["git", "-C", tree.path, "show", "--format=email", HOOK, "--", "arch/x86/xen/mmu.c"],
        check=True,
        capture_output=True,
    ).stdout
    report = run(tree, "92bdaef7b2c", parse_patch(change))
    assert (report.outcome, int(report.exit)) == (Outcome.NEEDS_PREREQUISITE, 1)
    assert "native_pagetable_reserve" in report.answer.reason
    assert "incomplete-patch" in {one.id for one in report.answer.evidence}
    assert report.next_command == "kpt backport pagetable_reserve --to 92bdaef7b2c"


@dataclass(frozen=True)
class Rewritten:
    tree: KernelTree
    ids: dict[str, str]

    def new(self, old: str) -> str:
        """The abbreviated new id of an abbreviated old one."""
        return next(new for known, new in self.ids.items() if known.startswith(old))[:12]


@pytest.fixture(scope="module")
def rewritten(linux_git: Path, tmp_path_factory) -> Rewritten:
    """v2.6.36..v2.6.39 with other committer dates, so that every id differs; trees are borrowed."""
    folder = tmp_path_factory.mktemp("rewritten") / "linux.git"
    repository = pygit2.init_repository(str(folder), bare=True)
    (folder / "objects" / "info" / "alternates").write_text(f"{linux_git}/objects\n")
    listed = ["rev-list", "--topo-order", "--reverse", "v2.6.36..v2.6.39", "v2.6.36..279b706bf80"]
    wanted = git(linux_git, *listed, "^v2.6.36").split()
    store = pygit2.Repository(str(linux_git))
    ids: dict[str, str] = {}
    packed: list[bytes] = []
    for old in wanted:
        data = with_other_date(store.read(old)[1], ids)
        ids[old] = hashlib.sha1(b"commit %d\0%s" % (len(data), data)).hexdigest()
        packed.append(data)
    write_pack(folder, packed)
    for name in git(linux_git, "tag").split():
        if (old := git(linux_git, "rev-parse", f"{name}^{{commit}}").strip()) in ids:
            repository.references.create(f"refs/tags/{name}", ids[old])
    for name in (REVERT, HOOK):
        old = next(known for known in ids if known.startswith(name))
        repository.references.create(f"refs/tags/at-{name}", ids[old])
    return Rewritten(KernelTree.open(folder), ids)


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def with_other_date(data: bytes, ids: dict[str, str]) -> bytes:
    """The commit an hour later, on its parents' new ids."""
    head, separator, message = data.partition(b"\n\n")
    lines = head.split(b"\n")
    for index, line in enumerate(lines):
        if line.startswith(b"parent "):
            lines[index] = b"parent " + ids.get(line[7:].decode(), line[7:].decode()).encode()
        elif line.startswith(b"committer "):
            who, seconds, zone = line.rsplit(b" ", 2)
            lines[index] = b"%s %d %s" % (who, int(seconds) + 3600, zone)
    return b"\n".join(lines) + separator + message


def write_pack(repository: Path, commits: list[bytes]) -> None:
    """One pack of commit objects, indexed by git."""
    pack = bytearray(b"PACK" + (2).to_bytes(4, "big") + len(commits).to_bytes(4, "big"))
    for data in commits:
        size = len(data)
        byte, size = 1 << 4 | size & 15, size >> 4
        while size:
            pack.append(byte | 0x80)
            byte, size = size & 0x7F, size >> 7
        pack.append(byte)
        pack += zlib.compress(data, 1)
    pack += hashlib.sha1(pack).digest()
    subprocess.run(
        ["git", "-C", str(repository), "index-pack", "--stdin"], input=bytes(pack), check=True, capture_output=True
    )


@pytest.mark.parametrize(
    ("target", "like"),
    [
        ("v2.6.38", "v2.6.38"),
        ("v2.6.39-rc5", "v2.6.39-rc5"),
        ("v2.6.39-rc7", "v2.6.39-rc7"),
        (f"at-{REVERT}", "92bdaef7b2c"),
        (f"at-{HOOK}", "279b706bf80"),
        ("v2.6.39", "v2.6.39"),
    ],
)
def test_a_rewritten_history_gives_the_same_answers_with_its_own_ids(rewritten, target, like):
    hold_against(run(rewritten.tree, target), STORY[like], rewritten.new)
