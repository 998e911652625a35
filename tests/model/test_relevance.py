"""What of a tree decides how it boots, and what does not."""

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.model.layouts import parse_layout
from kpatch_tools.model.relevance import Outliner, asked_names, relevant_digest, top_level
from kpatch_tools.model.run import boot, deep_recursion, load_kernel
from kpatch_tools.syntax.preprocessor import Preprocessed

INIT, MMU, HEADER = "arch/x86/mm/init.c", "arch/x86/xen/mmu.c", "arch/x86/include/asm/pgtable_types.h"


def pieces(*lines):
    places = tuple((RepoPath("a.c"), number) for number in range(len(lines)))
    return [" ".join(piece) for _, piece in top_level(Preprocessed(tuple(lines), places))]


def appended(source, path, text):
    return Overlay(source, {RepoPath(path): (source.read(RepoPath(path)) or b"") + text})


def prepended(source, path, text):
    return Overlay(source, {RepoPath(path): text + (source.read(RepoPath(path)) or b"")})


@pytest.mark.parametrize(
    "declaration",
    [
        ("int f(int a)", "{", "if (a) { return 1 ; }", "return 0 ;", "}"),
        ("struct s {", "int a ;", "} ;"),
        ("struct s {", "int (*f)(int a) ;", "} __attribute__((packed))", "x ;"),
        ("struct __attribute__((packed)) s {", "int a ;", "} ;"),
        ("static int t[] = {", "1 , 2", "} ;"),
        ("enum e {", "A , B", "} ;"),
        ("int f(int a ,", "int b) ;"),
        ('char c[] = "};" ;',),
        ("static struct ops o = {", ".f = g ,", "} ;"),
    ],
)
def test_text_is_cut_after_each_declaration(declaration):
    assert pieces("int before ;", *declaration, "int after ;") == ["int before ;", " ".join(declaration), "int after ;"]


def test_comments_blank_lines_and_dropped_branches_make_no_difference(miniature):
    source = miniature("13")
    outliner = Outliner()
    first = outliner.outline(source)
    for path in (INIT, MMU, HEADER):
        other = outliner.outline(
            prepended(source, path, b"/* what follows\n is code */\n\n#if 0\nint never;\n#endif\n")
        )
        assert other.digest == first.digest


def test_every_token_of_what_is_compiled_makes_one(miniature):
    source = miniature("13")
    outliner = Outliner()
    digests = {outliner.outline(source).digest}
    for path in (INIT, MMU, HEADER):
        digests.add(outliner.outline(appended(source, path, b"\nextern int one_more;\n")).digest)
    assert len(digests) == 4


def test_what_was_looked_for_in_vain_is_known(miniature):
    source = miniature("13")
    found = Outliner().outline(source)
    absent = {path for path in found.looked_up if source.read(path) is None}
    assert RepoPath(INIT) in found.looked_up
    # A header of the architecture would win over a generic one, if there were one.
    assert any(path.startswith("arch/x86/include/") for path in absent)


def test_a_boot_cannot_tell_declarations_apart_that_it_does_not_ask_for(miniature):
    source = miniature("13")
    outliner = Outliner()
    guest = load_kernel(source)
    asked = asked_names(guest)
    with deep_recursion():
        boot(guest, parse_layout("64M"))

    def digest(tree):
        return relevant_digest(outliner.outline(tree).declarations, outliner.names, asked)

    same = digest(source)
    assert {"init_memory_mapping", "pgt_buf_top", "memblock", "x86_init"} <= asked
    unheard_of = b"\nstruct unheard_of { int a; };\nint unheard_of_function(struct unheard_of *x) { return x->a; }\n"
    assert digest(appended(source, INIT, unheard_of)) == same
    assert digest(appended(source, INIT, b"\nunsigned long pgt_buf_top;\n")) != same
    # What the grammar does not understand may be anything.
    assert digest(appended(source, INIT, b"\nint ) odd ( ;\n")) != same
    text = (source.read(RepoPath(MMU)) or b"").replace(b"PFN_PHYS(pgt_buf_top)", b"PFN_PHYS(pgt_buf_end)")
    assert digest(Overlay(source, {RepoPath(MMU): text})) != same
