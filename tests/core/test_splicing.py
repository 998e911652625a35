"""Words that a backslash at the end of a line takes apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.splicing import holds, joined


def test_a_word_is_put_together() -> None:
    assert joined(b"a.x86_\\\ninit.b") == b"a.x86_init.b"
    assert joined(b"a.x8\\\r\n6_\\\ninit.b") == b"a.x86_init.b"
    assert joined(memoryview(b"x\\\ny")) == b"xy"


@pytest.mark.parametrize("data", [b"x86_init", b"#define A \\\n\tb", b"a \\\n", b"a\nb", b"f(\\\n (b))"])
def test_nothing_to_put_together(data: bytes) -> None:
    assert joined(data) is None


@given(before=st.binary(), after=st.binary(), at=st.integers(1, 7), end=st.sampled_from([b"\\\n", b"\\\r\n"]))
def test_a_needle_is_held_wherever_it_is_taken_apart(before: bytes, after: bytes, at: int, end: bytes) -> None:
    needle = b"x86_init"
    assert holds(before + needle + after, needle)
    assert holds(before + needle[:at] + end + needle[at:] + after, needle)


def test_a_needle_that_is_not_there() -> None:
    assert not holds(b"x86_\ninit x86_ \\\n init", b"x86_init")
