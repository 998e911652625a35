"""What this room writes and reads, against C git in small repositories of our own."""

import random
import subprocess

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.patch import apply_patch, format_diff, format_patch, parse_patch, patch_id, patch_of_commit
from kpatch_tools.tree import KernelTree, diff_lines, merge_blobs

WORDS = (
    b"int demo(void)",
    b"{",
    b"}",
    b"\tvalue++;",
    b"\tif (value)",
    b"\t\treturn;",
    b"",
    b"# include <x.h>",
    b"label:",
)


def _text(chance: random.Random, rows: int) -> bytes:
    lines = [chance.choice(WORDS) for _ in range(rows)]
    return b"\n".join(lines) + (b"\n" if chance.random() < 0.8 else b"")


def _edited(chance: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(lines) + 1)
        kind = chance.randrange(3)
        if kind == 0:
            lines[at:at] = [chance.choice(WORDS) for _ in range(chance.randint(1, 4))]
        elif kind == 1:
            del lines[at : at + chance.randint(1, 4)]
        else:
            lines[at : at + 1] = [chance.choice(WORDS) + b" /* \xe9 */"]
    return b"\n".join(lines)


@pytest.mark.parametrize("seed", range(12))
def test_diffs_ids_and_mails_are_gits_and_come_back(git, seed):
    chance = random.Random(seed)
    repo = git()
    files = {f"dir{number % 3}/file {number}.c": _text(chance, 10 * number) for number in range(8)}
    repo.commit({**files, "caf\u00e9.c": b"x\n", "run.sh": b"#!\n", "empty": b"", "gone.c": _text(chance, 5)})
    changes = {path: _edited(chance, text) for path, text in files.items() if chance.random() < 0.8}
    (repo.folder / "run.sh").chmod(0o755)
    oid = repo.commit(
        {
            **changes,
            "caf\u00e9.c": b"y",
            "gone.c": None,
            "new/deep.c": _text(chance, 7),
            "empty": None,
            "also-empty": b"",
        },
        b"demo: subject number %d\n\nBody.\n\nSigned-off-by: Ada <a@b>\n" % seed,
    )
    patch = patch_of_commit(repo.tree, oid)
    diff = repo("diff-tree", "-p", "--no-commit-id", oid)
    assert format_diff(patch.files) == diff
    assert repo("patch-id", "--stable", data=diff).split()[0].decode() == patch_id(patch.files)
    mail = repo("format-patch", "-1", "--stdout", "--no-renames", oid)
    assert format_patch(patch, signature=repo.version) == mail
    assert parse_patch(mail).message == patch.message
    assert format_diff(parse_patch(mail).files) == diff
    assert parse_patch(repo("show", "--no-renames", oid)).files == parse_patch(mail).files
    before = repo.tree.at(repo.tree.commit(oid).parents[0])
    result = apply_patch(parse_patch(mail).files, before)
    assert result.rejects == ()
    after = repo.tree.at(oid)
    assert all(after.read(path) == data for path, data in result.changes.items())
    assert result.modes["run.sh"] == 0o100755


@pytest.mark.parametrize("last", ["a-binary", "m-text", "z-mode"])
def test_ids_of_binary_files_and_of_mere_modes(git, last):
    repo = git()
    names = ["a-binary", "b-mode", "c-text", "d-binary", "e-mode", last]
    repo.commit({name: b"\0 1\n" if "binary" in name else b"1\n" for name in names})
    changes = {name: b"\0 2\n" if "binary" in name else b"2\n" for name in names if "mode" not in name}
    for name in names:
        if "mode" in name:
            (repo.folder / name).chmod(0o755)
    oid = repo.commit(changes)
    diff = repo("diff-tree", "-p", "--full-index", "--no-commit-id", oid)
    patch = patch_of_commit(repo.tree, oid)
    assert format_diff(patch.files, abbrev=40) == diff
    assert repo("patch-id", "--stable", data=diff).split()[0].decode() == patch_id(patch.files)


MESSAGES = (
    b"x86: short\n",
    b"x86: a subject that is a good deal longer than what fits in one line of mail, and that must be folded\n",
    "x86: räksmörgås, a subject that is longer than what fits in one line, and not in ASCII\n\nBödy.\n".encode(),
    b"x86: [brackets] in the middle\n\nBody\n\n\nwith two empty lines and trailing blanks   \n",
    b"x86: =?UTF-8?q?not=20encoded?= it seems\n",
    b"x86: a subject\nover two lines\n\nBody.\n",
)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "Lovelace, Ada", 'Ada "A" Lovelace', "Ada Räksmörgås (née X)", "A" * 59]
)
def test_git_am_makes_the_same_commit_of_our_mail(git, message, name):
    repo = git()
    first = repo.commit({"a.c": b"1\n2\n3\n", "b": b"x"})
    repo("config", "user.name", name)
    repo("commit", "-q", "--allow-empty", "-m", "x", f"--author={name} <ada@example.org>")
    (repo.folder / "a.c").write_bytes(b"1\ntwo\n3\n")
    repo("add", "-A")
    repo("commit", "-q", "-F", "-", f"--author={name} <ada@example.org>", data=message)
    oid = repo("rev-parse", "HEAD").decode().strip()
    patch = patch_of_commit(repo.tree, oid)
    mail = format_patch(patch, signature=repo.version)
    assert mail == repo("format-patch", "-1", "--stdout", "--no-renames", oid)
    repo("checkout", "-q", "-b", "am", first)
    repo("am", "-q", data=mail)
    made = repo.tree.commit(repo("rev-parse", "HEAD").decode().strip())
    wanted = repo.tree.commit(oid)
    assert (made.tree, made.author, made.subject) == (wanted.tree, wanted.author, wanted.subject)
    assert parse_patch(mail).message == made.message
    assert parse_patch(mail).author.name == name


@pytest.mark.parametrize("seed", range(60))
def test_apply_agrees_with_git_apply(git, seed):
    """The same verdict on a target that has moved on, and the same bytes where both apply."""
    chance = random.Random(seed)
    repo = git()
    old = _text(chance, 60)
    new = _edited(chance, old)
    repo.commit({"x.c": old})
    repo.commit({"x.c": new})
    diff = repo("diff", "HEAD~1", "HEAD")
    if not diff:
        return
    target = old
    for _ in range(chance.randint(0, 2)):
        target = _edited(chance, target)
    repo.commit({"x.c": target})
    result = apply_patch(parse_patch(diff).files, repo.tree.at("main"))
    assert repo.succeeds("apply", "-", data=diff) == (not result.rejects)
    if not result.rejects:
        assert (repo.folder / "x.c").read_bytes() == result.changes["x.c"]


@pytest.mark.parametrize("seed", range(30))
def test_line_diffs_of_repetitive_text(git, seed):
    chance = random.Random(seed)
    repo = git()
    old = _text(chance, 120)
    new = old
    for _ in range(4):
        new = _edited(chance, new)
    (repo.folder / "a").write_bytes(old)
    (repo.folder / "b").write_bytes(new)
    theirs = repo("diff", "--no-index", "a", "b", status=1 if old != new else 0)
    headers = [row for row in theirs.split(b"\n") if row.startswith(b"@@ -")]
    assert len(headers) == len(diff_lines(old, new))
    for header, hunk in zip(headers, diff_lines(old, new), strict=True):
        assert header.split(b" @@")[1].strip() == hunk.section
        assert f"-{hunk.old_start}".encode() in header


@pytest.mark.parametrize("seed", range(30))
def test_merges_are_git_merge_files(git, seed):
    chance = random.Random(seed)
    repo = git()
    base = _text(chance, 60)
    ours, theirs = _edited(chance, base), _edited(chance, base)
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (repo.folder / name).write_bytes(data)
    command = ["git", "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", "ours", "base", "theirs"]
    done = subprocess.run(command, cwd=repo.folder, capture_output=True, check=False)
    merged = merge_blobs(base, ours, theirs)
    assert (merged.conflicts > 0) == (done.returncode > 0)
    if done.returncode == 0:
        assert merged.data == done.stdout


def test_a_shallow_clone_made_by_git(git, tmp_path):
    repo = git()
    first = repo.commit({"a": b"1\n"})
    repo.commit({"a": b"2\n"})
    repo("tag", "v2")
    repo("clone", "-q", "--bare", "--depth", "1", f"file://{repo.folder}", str(tmp_path / "shallow.git"))
    tree = KernelTree.open(tmp_path / "shallow.git")
    assert tree.at("v2").read("a") == b"2\n"
    last = tree.resolve("v2").oid
    for ask in (
        lambda: tree.resolve("v2~1"),
        lambda: tree.resolve(first),
        lambda: tree.changes(last),
        lambda: tree.is_ancestor(first, last),
        lambda: list(tree.walk(include=[last])),
        lambda: list(tree.walk(include=[last], paths=["a"])),
    ):
        with pytest.raises(KpatchError) as refusal:
            ask()
        assert refusal.value.code == "shallow-history"
        assert "--unshallow" in refusal.value.hint
    assert next(tree.walk(include=[last])).oid == last


def test_git_accepts_what_we_write(git):
    repo = git()
    base = repo.commit({"a/b.c": b"1\n", "a.c": b"1\n", "a0": b"1\n"})
    tree = repo.tree
    who = tree.commit(base).author
    oid = tree.write(
        base=base,
        changes={"a/b.c": None, "a-b": b"\xff\n", "z/y/x": b"1\n"},
        message=b"demo: write\n",
        author=who,
        committer=who,
        ref="topic",
    )
    repo("fsck", "--strict")
    assert repo("rev-parse", "topic").decode().strip() == oid
    assert repo("status", "--porcelain") == b""
    assert repo("ls-tree", "-r", "--name-only", oid).split() == [b"a-b", b"a.c", b"a0", b"z/y/x"]


def test_mails_with_renames_long_names_and_large_counts_are_written_as_they_were_read(git):
    repo = git()
    body = b"".join(b"line %d\n" % number for number in range(400))
    deep = "a/very/long/path/through/many/folders/that/does/not/fit/in/the/table/of/changes/file.c"
    repo.commit(
        {
            "drivers/usb/host/xhci-hcd.c": body,
            "kernel/sched.c": body + b"sched\n",
            "arch/i386/mm/init.c": body + b"i386\n",
            "top.c": body + b"top\n",
            deep: body + b"deep\n",
            "small.c": b"1\n",
            "both.c": body,
            "mode.sh": body + b"mode\n",
        }
    )
    (repo.folder / "mode.sh").chmod(0o755)
    moved = {
        "drivers/usb/host/xhci-hcd.c": ("drivers/usb/host/xhci.c", body.replace(b"line 7\n", b"row\n")),
        "kernel/sched.c": ("kernel/sched/core.c", body + b"sched\n"),
        "arch/i386/mm/init.c": ("arch/x86/mm/init.c", body + b"x86\n"),
        "top.c": ("below/top.c", body + b"top\n"),
    }
    changes: dict[str, bytes | None] = dict.fromkeys(moved)
    changes |= dict(moved.values())
    changes |= {deep: b"deep\n", "small.c": b"2\n", "both.c": body[:1500] + b"new\n" * 300, "new.c": body}
    oid = repo.commit(changes)
    for options in (("-M",), ("-M", "-C", "--find-copies-harder"), ("--no-renames",)):
        mail = repo("format-patch", "-1", "--stdout", *options, oid)
        patch = parse_patch(mail)
        assert format_patch(patch, signature=repo.version) == mail
        result = apply_patch(patch.files, repo.tree.at(repo.tree.commit(oid).parents[0]))
        assert result.rejects == ()
        after = repo.tree.at(oid)
        assert {path: after.read(path) for path in result.changes} == result.changes
