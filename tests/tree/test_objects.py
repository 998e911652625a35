"""Git's objects as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree.objects import (
    Signature,
    TreeEntry,
    format_commit,
    format_signature,
    format_tree,
    parse_commit,
    parse_lineage,
    parse_signature,
    parse_tree,
)

OID = "0123456789abcdef0123456789abcdef01234567"
names = st.text(st.characters(blacklist_characters="<>\n\0", blacklist_categories=("Cs",))).map(str.strip)


@given(names, names, st.integers(-(2**31), 2**40), st.integers(-14 * 60, 14 * 60))
def test_signatures_survive(name, email, when, offset):
    signature = Signature(name, email, when, offset)
    assert parse_signature(format_signature(signature)) == signature


def test_names_cannot_end_a_field_early():
    assert format_signature(Signature("A\n<b>", "x>\ny", 5, 0)) == b"Ab <xy> 5 +0000"


@pytest.mark.parametrize("raw", [b"", b"Name", b"Name <x", b"Name <x> later", b"Name <x> 12", b"<> 1 +xx"])
def test_damaged_signatures_do_not_stop_anything(raw):
    assert parse_signature(raw).offset == 0


def test_a_commit_survives_and_unknown_headers_are_passed():
    ada = Signature("Ada", "a@b", 7, -330)
    raw = format_commit(tree=OID, parents=(OID, OID), author=ada, committer=ada, message=b"s\n\nb\n")
    commit = parse_commit(OID, raw)
    assert (commit.tree, commit.parents, commit.author, commit.message) == (OID, (OID, OID), ada, b"s\n\nb\n")
    signed = raw.replace(b"\n\n", b"\ngpgsig -----BEGIN\n parent nonsense\n -----END\n\n", 1)
    assert parse_commit(OID, signed).parents == (OID, OID)


@pytest.mark.parametrize("parents", [(), (OID,), (OID, OID)])
@pytest.mark.parametrize("date", [b"1300000600 -0500", b"damaged"])
def test_the_lineage_is_the_whole_commits(parents, date):
    lines = [b"tree " + OID.encode(), *(b"parent " + parent.encode() for parent in parents)]
    lines += [b"author A <a@b> 1 +0000", b"committer B <b@c> " + date]
    lines += [b"mergetag object " + OID.encode(), b" parent is no header here", b" committer neither"]
    raw = b"\n".join(lines) + b"\n\nparent of all\ncommitter of none\n"
    commit = parse_commit(OID, raw)
    assert parse_lineage(raw) == (commit.committer.when, commit.parents)
    assert commit.parents == parents


def test_a_declared_encoding_is_undone():
    raw = b"tree " + OID.encode() + b"\nauthor K\xf6nig <k@x> 1 +0000\nencoding ISO-8859-1\n\ns\xf6\n"
    commit = parse_commit(OID, raw)
    assert commit.author.name == "König"
    assert commit.message == "sö\n".encode()
    unknown = parse_commit(OID, raw.replace(b"ISO-8859-1", b"no-such-code"))
    assert unknown.message == b"s\xf6\n"


def test_a_tree_survives_in_gits_order():
    entries = {b"a.c": TreeEntry(0o100644, OID), b"a": TreeEntry(0o040000, OID), b"a0": TreeEntry(0o120000, OID)}
    assert list(parse_tree(format_tree(entries))) == [b"a.c", b"a", b"a0"]
    assert parse_tree(format_tree(entries)) == entries


def test_a_cut_tree_is_an_error():
    with pytest.raises(KpatchError) as refusal:
        parse_tree(format_tree({b"a": TreeEntry(0o100644, OID)})[:-1])
    assert refusal.value.code == "corrupt-object"
