"""Mutants by rule: what each operator makes of a piece of C, and what it leaves alone."""

from collections.abc import Callable, Iterable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.core.span import Span
from kpatch_tools.model.mutants import Mutant, MutationRule, Place, derive_mutants
from kpatch_tools.syntax import find_function, parse_c
from kpatch_tools.tree import Folder

FILE = RepoPath("a.c")
OTHER = RepoPath("b.c")

Tree = Callable[..., BlobSource]


@pytest.fixture
def tree(tmp_path: object) -> Tree:
    def build(text: str, other: str = "") -> BlobSource:
        return Overlay(Folder(tmp_path), {FILE: text.encode(), OTHER: other.encode()})  # type: ignore[arg-type]

    return build


def mutants_of(source: BlobSource, function: str = "f") -> tuple[Mutant, ...]:
    parsed = parse_c(source.read(FILE) or b"")
    node = find_function(parsed, function)
    assert node is not None
    places = [Place(FILE, Span(node.start_byte, node.end_byte))]
    if source.read(OTHER):
        places.append(Place(OTHER, Span(0, 0)))
    return derive_mutants(source, places)


def after(mutants: Iterable[Mutant], rule: MutationRule) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in mutants if one.rule is rule}


def test_relations_become_every_other_relation(tree: Tree) -> None:
    mutants = mutants_of(tree("int f(int a, long b)\n{\n\treturn a < b;\n}\n"))
    assert after(mutants, MutationRule.RELATION) == {("<", other) for other in ("<=", ">", ">=", "==", "!=")}


def test_arithmetic_becomes_its_opposite_also_in_assignments(tree: Tree) -> None:
    mutants = mutants_of(tree("int f(int a)\n{\n\ta += 1 << 2;\n\ta++;\n\treturn a - 3;\n}\n"))
    assert after(mutants, MutationRule.ARITHMETIC) == {("+=", "-="), ("<<", ">>"), ("++", "--"), ("-", "+")}


def test_operands_are_a_page_off_and_literals_one(tree: Tree) -> None:
    mutants = mutants_of(tree("void f(long at)\n{\n\tif (at < PFN_PHYS(top))\n\t\tg(7);\n}\n"))
    assert after(mutants, MutationRule.ONE_PAGE) == {
        ("at", "(at + PAGE_SIZE)"),
        ("at", "(at - PAGE_SIZE)"),
        ("PFN_PHYS(top)", "(PFN_PHYS(top) + PAGE_SIZE)"),
        ("PFN_PHYS(top)", "(PFN_PHYS(top) - PAGE_SIZE)"),
        ("top", "(top + 1)"),
        ("top", "(top - 1)"),
        ("7", "(7 + 1)"),
        ("7", "(7 - 1)"),
    }


def test_variables_are_exchanged_for_those_of_their_type_in_sight(tree: Tree) -> None:
    text = (
        "static long own;\nlong other[2];\nint narrow;\n"
        "void f(long a)\n{\n\t{\n\t\tlong gone;\n\t}\n\tlong b = a;\n\tshared = b;\n\tlong late;\n}\n"
    )
    mutants = mutants_of(tree(text, "long shared;\nstatic long hidden;\nlong unnamed;\n"))
    assert after(mutants, MutationRule.VARIABLE) == {
        *(("b", other) for other in ("a", "own", "shared")),
        *(("shared", other) for other in ("a", "b", "own")),
        *(("a", other) for other in ("own", "shared")),
    }


def test_statements_are_dropped_and_swapped(tree: Tree) -> None:
    mutants = mutants_of(tree("void f(int a)\n{\n\tg();\n\tif (a)\n\t\th();\n}\n"))
    assert after(mutants, MutationRule.DROP) == {
        ("g();", ";"),
        ("if (a)\n\t\th();", ";"),
        ("if (a)\n\t\th();", "h();"),
        ("h();", ";"),
    }
    assert ("g();\n\tif (a)\n\t\th();", "if (a)\n\t\th();\ng();") in after(mutants, MutationRule.SWAP)


def test_conditions_are_negated_and_halved(tree: Tree) -> None:
    mutants = mutants_of(tree("void f(int a, long b)\n{\n\twhile (a && b)\n\t\tg();\n}\n"))
    assert after(mutants, MutationRule.NEGATE) == {("(a && b)", "(!(a && b))")}
    assert after(mutants, MutationRule.LOGIC) == {("&&", "||"), ("a && b", "a"), ("a && b", "b")}


def test_functions_are_exchanged_for_those_of_their_type(tree: Tree) -> None:
    text = (
        "static void p(long a)\n{\n}\nstatic void q(long b)\n{\n}\nstatic int r(long a)\n{\n}\n"
        "void f(void)\n{\n\tp(1);\n\ts = q;\n}\n"
    )
    mutants = mutants_of(tree(text, "void far(long x)\n{\n}\nstatic void hidden(long x)\n{\n}\n"))
    assert after(mutants, MutationRule.CALLEE) == {("p", "q"), ("p", "far"), ("q", "p"), ("q", "far")}


def test_what_is_printed_is_left_alone(tree: Tree) -> None:
    mutants = mutants_of(tree('void f(int a)\n{\n\tprintk("%d", a + 1);\n}\n'))
    assert mutants == ()


def test_each_text_is_made_once_and_differs_from_the_tree(tree: Tree) -> None:
    source = tree("void f(long a, long b)\n{\n\tg(a, b);\n\tg(a, b);\n}\n")
    mutants = mutants_of(source)
    texts = [one.applied(source).read(FILE) for one in mutants]
    assert len(set(texts)) == len(texts)
    assert source.read(FILE) not in texts


def test_an_entry_of_an_initialiser_can_be_missing(tree: Tree) -> None:
    text = "struct ops ops = {\n\t.a = f,\n\t.b = g,\n};\n"
    at = text.index(".a")
    (mutant,) = derive_mutants(tree(text), [Place(FILE, Span(at, at + len(".a = f")))])
    assert mutant.applied(tree(text)).read(FILE) == b"struct ops ops = {\n\t\n\t.b = g,\n};\n"


def test_a_file_that_is_not_there_is_our_mistake(tree: Tree) -> None:
    with pytest.raises(LookupError):
        derive_mutants(tree(""), [Place(RepoPath("none.c"), Span(0, 1))])
