"""The life of slots over a range: chains, directly compared ends, and what is asked for in vain."""

from pathlib import Path

import pytest
from kpatch_tools.app.hooks_timeline import hooks_timeline
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

HOOK = "x86_init.mapping.pagetable_reserve"
WHO = Signature("Ada", "ada@example.org", 1_300_000_000, 0)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


def said(report):
    return [
        (entry.commit.subject, event.kind.value, event.name)
        for stretch in report.stretches
        for entry in stretch.entries
        for event in entry.events
    ]


def test_the_hook_is_born_where_the_story_has_it(tree):
    report = hooks_timeline(tree, "v2.6.38..v2.6.39", slot=HOOK)
    ((subject, kind, name),) = said(report)
    assert "introduce x86_init.mapping.pagetable_reserve" in subject
    assert (kind, name) == ("born", HOOK)
    assert report.tables == ("x86_init",)


def test_a_chain_is_told_stretch_by_stretch(tree):
    whole = hooks_timeline(tree, "v2.6.38..v2.6.39..v3.1", tables=("x86_init",))
    first = hooks_timeline(tree, "v2.6.38..v2.6.39", tables=("x86_init",))
    assert [(one.base.spelled, one.tip.spelled) for one in whole.stretches] == [
        ("v2.6.38", "v2.6.39"),
        ("v2.6.39", "v3.1"),
    ]
    assert whole.stretches[0] == first.stretches[0]


def test_an_import_without_history_is_compared_directly(tmp_path: Path):
    tree = KernelTree.create(tmp_path / "kernel.git", branch="main")
    text = b"struct ops { int (*a)(void); };\nextern struct ops board;\n"
    common = {"Makefile": b"", "include/linux/init.h": b"", "arch/x86/include/asm/ops.h": text}

    def write(changes, base):
        files = {RepoPath(path): data for path, data in changes.items()}
        return tree.write(base=base, changes=files, message=b"Import\n", author=WHO, committer=WHO)

    ours = write(common, tree.empty_tree())
    after = text.replace(b"}", b"int (*b)(long); }")
    theirs = write({**common, "arch/x86/include/asm/ops.h": after}, tree.empty_tree())
    (stretch,) = hooks_timeline(tree, f"{ours}..{theirs}").stretches
    assert not stretch.has_history
    (entry,) = stretch.entries
    assert entry.direct
    assert [(event.kind.value, event.name) for event in entry.events] == [("born", "board.b")]
    # Where both descend from one commit, only what the newer end's side did is told, and where they part.
    side = write({"arch/x86/include/asm/ops.h": after}, ours)
    other = write({"arch/x86/kernel/other.c": b""}, ours)
    (stretch,) = hooks_timeline(tree, f"{other}..{side}").stretches
    assert stretch.fork == ours
    assert stretch.has_history


@pytest.mark.parametrize(
    ("range_", "options", "code"),
    [
        ("v2.6.38", {}, "bad-range"),
        ("v2.6.38...v2.6.39", {}, "bad-range"),
        ("v2.6.39..v2.6.38", {}, "empty-range"),
        ("v2.6.38..v2.6.38", {}, "empty-range"),
        ("v2.6.38..v9", {}, "unknown-revision"),
        ("v2.6.38..v2.6.39", {"tables": ("x86_inti",)}, "no-such-table"),
        ("v2.6.38..v2.6.39", {"slot": "x86_init.paging.pagetable_reserve"}, "no-such-slot"),
    ],
)
def test_what_cannot_be_told(tree, range_, options, code):
    with pytest.raises(KpatchError) as caught:
        hooks_timeline(tree, range_, **options)
    assert caught.value.code == code
    if code == "no-such-slot":
        assert HOOK in caught.value.hint


def test_nothing_is_read_twice(tree, tmp_path, monkeypatch):
    first = hooks_timeline(tree, "v2.6.38..v2.6.39", cache_dir=tmp_path)
    monkeypatch.setattr("kpatch_tools.hooks.history.walking.read_header", lambda _data: pytest.fail("read again"))
    assert hooks_timeline(tree, "v2.6.38..v2.6.39", cache_dir=tmp_path) == first
