"""What stands on a letter."""

import base64
import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.review.envelope import Tag, one_line, parse_tag, read_envelope


@pytest.mark.parametrize(
    ("subject", "tag"),
    [
        ("[PATCH] mm: x", Tag(is_patch=True)),
        ("[PATCH 2/3] mm: x", Tag(number=2, total=3, is_patch=True)),
        ("[PATCH v4 00/13] mm: x", Tag(version=4, number=0, total=13, is_patch=True)),
        ("[PATCHv2 1/1] mm: x", Tag(version=2, number=1, total=1, is_patch=True)),
        ("[RFC PATCH net-next V3 02/10] x", Tag(version=3, number=2, total=10, is_patch=True)),
        ("[Xen-devel] [PATCH v2 1/3] [x86] x", Tag(version=2, number=1, total=3, is_patch=True)),
        ("[PATCH 3.1.y 1/2] x", Tag(number=1, total=2, is_patch=True)),
        ("Re: [PATCH 1/2] x", Tag(number=1, total=2, is_patch=True, is_reply=True)),
        ("AW: [PATCH] x", Tag(is_patch=True, is_reply=True)),
        ("[Xen-devel] Re: [PATCH 1/2] x", Tag(number=1, total=2, is_patch=True, is_reply=True)),
        ("[PATCH 3/9] pstore: firmware: x", Tag(number=3, total=9, is_patch=True)),
        ("pstore: x", Tag()),
        ("[GIT PULL] x86 fixes", Tag(is_pull=True)),
        ("mm: [v2] in the middle", Tag()),
        ("", Tag()),
    ],
)
def test_tag(subject: str, tag: Tag) -> None:
    assert parse_tag(subject) == tag


def test_headers_are_read_decoded_and_unfolded() -> None:
    name = email.header.Header("Jörg Müller", "iso-8859-1").encode()
    letter = (
        f"From: {name} <jm@kernel.example>\nTo: a@x.example,\n  B <b@x.example>\nCc: a@x.example\n"
        "Subject: [PATCH v2 1/2] a subject\n that is folded\nMessage-ID: <1@x>\nReferences: <r1@x>\n\t<r2@x>\n"
        "In-Reply-To: <r2@x>\n\nFrom: somebody@else.example\n"
    ).encode()
    envelope = read_envelope(letter)
    assert envelope.sender == "jm@kernel.example"
    assert envelope.sender_name == "Jörg Müller"
    assert envelope.recipients == ("a@x.example", "b@x.example")
    assert envelope.subject == "[PATCH v2 1/2] a subject that is folded"
    assert (envelope.message_id, envelope.parent, envelope.references) == ("1@x", "r2@x", ("r1@x", "r2@x"))


def test_no_value_breaks_a_line_or_steers_a_terminal() -> None:
    smuggled = base64.b64encode("x\r\nBcc: victim@x.example \x1b[31m\u202egpj".encode()).decode()
    encoded = f"=?utf-8?b?{smuggled}?="
    envelope = read_envelope(f"Subject: {encoded}\nFrom: a@x.example\nMessage-ID: <a\x07b@x>\n\n".encode())
    for value in (envelope.subject, envelope.message_id):
        assert value == one_line(value)
        assert value.isprintable()


def test_no_address_hides_in_a_name() -> None:
    name = f"=?utf-8?b?{base64.b64encode('Müller, Jörg <victim@x.example>'.encode()).decode()}?="
    envelope = read_envelope(f"From: {name} <jm@x.example>\nTo: {name} <a@x.example>\n\n".encode())
    assert (envelope.sender, envelope.sender_name) == ("jm@x.example", "Müller, Jörg <victim@x.example>")
    assert envelope.recipients == ("a@x.example",)


def test_comments_without_end_name_nobody() -> None:
    assert read_envelope(b"From: " + b"(" * 1_500 + b"a@x.example\nSubject: x\n\n").sender == ""
    assert read_envelope(b"From: a@x.example (Ann (of X))\n\n").sender == "a@x.example"


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_letter(data: bytes) -> None:
    envelope = read_envelope(data)
    assert all(value.isprintable() for value in (envelope.subject, envelope.sender, envelope.message_id))


@given(st.text(max_size=300))
def test_any_text_is_a_subject(subject: str) -> None:
    tag = parse_tag(subject)
    assert tag.version >= 0
    assert tag.total >= 1
