"""Two signatures differ only where that is clear from their text."""

import pytest
from kpatch_tools.hooks.completeness.signatures import differences, drops_result, read_signature
from kpatch_tools.hooks.index.facts import Typedef

_TYPEDEFS = {
    "result_t": Typedef("result_t", "", "", 1),
    "gear": Typedef("gear", "struct gear", "", 1),
    "gear_p": Typedef("gear_p", "struct gear", "", 1, pointer=True),
    "turn_f": Typedef("turn_f", "", "int turn_f(int)", 1),
}


def _differences(slot: str, function: str) -> list[str]:
    wanted, given = read_signature(slot, "f", _TYPEDEFS.get), read_signature(function, "g", _TYPEDEFS.get)
    assert wanted is not None
    assert given is not None
    return [text for text, _ in differences(wanted, given)]


@pytest.mark.parametrize(
    ("slot", "function", "said"),
    [
        ("int (*f)(int a)", "int g(int a, int b)", ["2 parameters, the slot has 1"]),
        ("int (*f)(void)", "int g(void *data)", ["1 parameter, the slot has 0"]),
        (
            "int (*f)(struct gear *a)",
            "int g(struct wheel *a)",
            ["parameter 1 is struct wheel *, the slot's is struct gear *"],
        ),
        (
            "int (*f)(gear_p a)",
            "int g(struct wheel *a)",
            ["parameter 1 is struct wheel *, the slot's is struct gear *"],
        ),
        ("int (*f)(u64 a)", "int g(u32 a)", ["parameter 1 is u32, the slot's is u64"]),
        ("int (*f)(long long a)", "int g(int a)", ["parameter 1 is int, the slot's is long long"]),
        ("int (*f)(struct gear *a)", "int g(unsigned long a)", ["parameter 1 is long, the slot's is struct gear *"]),
        ("int (*f)(void)", "void g(void)", ["returns void, the slot int"]),
        ("void *(*f)(void)", "int g(void)", ["returns int, the slot void *"]),
        ("int (*f[4])(int a)", "int g(void)", ["0 parameters, the slot has 1"]),
    ],
)
def test_clear_differences_are_told(slot: str, function: str, said: list[str]) -> None:
    assert _differences(slot, function) == said


@pytest.mark.parametrize(
    ("slot", "function"),
    [
        ("int (*f)(struct gear *a)", "int g(gear *wheel)"),
        ("int (*f)(struct gear *a)", "int g(gear_p wheel)"),
        ("int (*f)(const struct gear *a)", "int g(struct gear *a)"),
        ("int (*f)(unsigned int a)", "int g(int)"),
        ("int (*f)(unsigned char *a)", "int g(u8 a[6])"),
        ("result_t (*f)(void)", "int g(void)"),
        ("int (*f)(enum turn a)", "int g(int a)"),
        ("int (*f)(turn_f *a)", "int g(int (*turn)(int))"),
        ("int (*f)()", "int g(int a, int b)"),
        ("int (*f)(int a, int b)", "int g()"),
        ("int (*f)(const char *format, ...)", "int g(const char *format)"),
        ("int (*f)(void **a)", "int g(void *a)"),
        ("bool (*f)(void)", "int g(void)"),
    ],
)
def test_what_agrees_or_might_is_not_told(slot: str, function: str) -> None:
    assert _differences(slot, function) == []


@pytest.mark.parametrize(
    "text",
    [
        "int g(GEAR_ARGS)",
        "int g(a, b) int a; int b;",
        "int (*g(int a))(int)",
        "int g(int a,\n#ifdef B\nint b\n#endif\n)",
    ],
)
def test_what_is_not_plain_is_refused(text: str) -> None:
    assert read_signature(text, "g", _TYPEDEFS.get) is None


def test_a_result_that_nobody_takes_is_told_apart() -> None:
    slot = read_signature("void (*f)(int a)", "f", _TYPEDEFS.get)
    dropping = read_signature("int g(int a)", "g", _TYPEDEFS.get)
    other = read_signature("int g(struct gear *a)", "g", _TYPEDEFS.get)
    assert slot is not None
    assert dropping is not None
    assert other is not None
    assert drops_result(slot, dropping)
    assert not drops_result(slot, other)
