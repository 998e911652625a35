"""The members of a table's struct."""

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.members import MemberKind, Shape, find_records, read_shape


def shape_of(source: str, tag: str = "ops", *others: str) -> Shape:
    records = find_records((tag, *others), [(RepoPath("a.h"), source.encode())])
    return read_shape(records[tag], tag, records)


@pytest.mark.parametrize(
    ("member", "signature"),
    [
        ("void (*f)(void);", "void (*f)(void)"),
        ("char *(*f)(int a,\n\t\tint b);", "char *(*f)(int a, int b)"),
        ("const struct foo *(*f)(struct bar *);", "const struct foo *(*f)(struct bar *)"),
        ("int (__init *f)(void);", "int (*f)(void)"),
        ("int (*f[3])(void);", "int (*f[3])(void)"),
        ("void (*(*f)(int))(void);", "void (*(*f)(int))(void)"),
        ("void (**f)(void);", "void (**f)(void)"),
        ("int (*f)(void), (*g)(void);", "int (*f)(void)"),
        ("void (*f)(void)  /* why\n */ ;", "void (*f)(void)"),
        ("#ifdef A\n\tvoid (*f)(void);\n#endif", "void (*f)(void)"),
        ("unsigned long\t(*f)(void);", "unsigned long (*f)(void)"),
    ],
)
def test_slot(member: str, signature: str) -> None:
    shape = shape_of(f"struct ops {{\n\t{member}\n}};\n")
    assert shape.kind("f") is MemberKind.SLOT
    assert shape.members["f"].signature == signature


@pytest.mark.parametrize(
    "member", ["int f;", "void *f;", "struct foo *f;", "int f[2];", "unsigned f:1;", "char *f(int);"]
)
def test_data(member: str) -> None:
    shape = shape_of(f"struct ops {{\n\t{member}\n}};\n")
    assert shape.kind("f") is MemberKind.DATA
    assert shape.kind("f.anything") is MemberKind.DATA


def test_nested() -> None:
    shape = shape_of(
        "struct in { void (*f)(void); };\nstruct ops { struct in a; struct { void (*g)(void); } b;"
        " union { struct in c; int d; }; struct in e[2]; };\n",
        "ops",
        "in",
    )
    assert list(shape.slots()) == ["a.f", "b.g", "c.f", "e.f"]
    assert list(shape.slots("b")) == ["b.g"]
    assert shape.children("") == ("a", "b", "c", "d", "e")
    assert shape.kind("a") is MemberKind.SUBTABLE
    assert shape.kind("a.x") is None
    assert shape.kind("x") is None


def test_struct_within_itself_ends() -> None:
    assert list(shape_of("struct ops { struct ops a; void (*f)(void); };\n").slots()) == ["f"]


def test_unresolved() -> None:
    shape = shape_of("struct ops { struct other a; void (*f)(void); };\n")
    assert shape.unresolved == ("other",)
    assert "struct other is not defined" in shape.why_unknown("a.b")
    assert "no member f.b" in shape.why_unknown("f.b")
