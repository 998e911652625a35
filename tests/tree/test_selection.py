"""Trees told apart by chosen files."""

import pytest

CHOSEN = ("mm/init.c", "mm/absent.h", "include/a/b.h", "lib/x/y.c", "Makefile")
BASE = {"mm/init.c": b"int a;\n", "mm/other.c": b"int b;\n", "include/a/b.h": b"#define B\n", "Makefile": b"all:\n"}


def texts(tree, *commits):
    selection = tree.selection(CHOSEN)
    return [selection.of(tree.commit(oid).tree) for oid in commits]


def test_a_change_elsewhere_makes_no_difference(scratch):
    repo = scratch()
    first = repo.commit(BASE)
    second = repo.commit({"mm/other.c": b"int c;\n", "include/a/c.h": b"\n", "lib/z.c": b"", "z": b""}, base=first)
    one, two = texts(repo.tree, first, second)
    assert one == two


@pytest.mark.parametrize(
    "change",
    [
        {"mm/init.c": b"int z;\n"},
        {"mm/init.c": None},
        {"mm/absent.h": b""},
        {"lib/x/y.c": b""},
        {"include/a/b.h": b""},
        {"Makefile": None},
    ],
)
def test_a_change_of_a_chosen_file_does(scratch, change):
    repo = scratch()
    first = repo.commit(BASE)
    second = repo.commit(change, base=first)
    third = repo.commit({path: BASE.get(path) for path in change}, base=second)
    one, two, three = texts(repo.tree, first, second, third)
    assert one != two
    assert one == three


def test_a_folder_or_a_link_is_no_file(scratch):
    repo = scratch()
    none = repo.commit({"Makefile": b"all:\n"})
    folder = repo.commit({"Makefile": b"all:\n", "mm/init.c/x": b""})
    link = repo.commit({"Makefile": b"all:\n", "mm/init.c": b"x"}, modes={"mm/init.c": 0o120000})
    file = repo.commit({"Makefile": b"all:\n", "mm/init.c": b"x"})
    one, two, three, four = texts(repo.tree, none, folder, link, file)
    assert one == two == three
    assert four != one
