"""Code that never ends is stopped, and said to be endless."""

from collections.abc import Callable

import pytest
from kpatch_tools.model.cexec import Program, Trap

Build = Callable[..., Program]


@pytest.mark.parametrize(
    "loop",
    [
        "while (n) n = 1;",
        "for (;;) n++;",
        "for (; n; n++) { if (n == 2) continue; n = 1; }",
        "do n = 1; while (n);",
        "again: n++; goto again;",
        "while (({ int x = n; x; })) n = 3;",
    ],
)
def test_an_endless_loop_is_a_trap(program: Build, loop: str) -> None:
    running = program(f"long f(long n) {{ {loop} return n; }}")
    running.max_rounds = 1000
    with pytest.raises(Trap) as caught:
        running.call("f", 1)
    assert caught.value.kind == "endless-loop"
    assert running.call_chain()[0].function == "f"


@pytest.mark.parametrize("loop", ["while (n--) s++;", "for (; n; n--) s++;", "do s++; while (--n);"])
def test_a_loop_may_go_round_as_often_as_the_limit_says(program: Build, loop: str) -> None:
    running = program(f"long f(long n) {{ long s = 0; {loop} return s; }}")
    running.max_rounds = 1000
    assert running.call("f", 999) == 999
    with pytest.raises(Trap):
        running.call("f", 1002)


def test_nested_loops_have_a_limit_each(program: Build) -> None:
    text = "long f(void) { long s = 0; int i, j; for (i = 0; i < 90; i++) for (j = 0; j < 90; j++) s++; return s; }"
    running = program(text)
    running.max_rounds = 100
    assert running.call("f") == 8100
