import pytest
from kpatch_tools.hooks.tables.conditions import Conditions
from kpatch_tools.syntax import parse_c


def state(text: str) -> tuple[bool, bool]:
    """Whether the line HERE is possibly, and certainly, compiled for x86-64."""
    conditions = Conditions(parse_c(text.encode()).directives)
    at = text.index("HERE")
    return conditions.compiled(at), conditions.certain(at)


@pytest.mark.parametrize(
    ("text", "possible", "certain"),
    [
        ("int HERE;\n", True, True),
        ("#ifdef CONFIG_X86_64\nint HERE;\n#endif\n", True, True),
        ("#ifndef CONFIG_X86_64\nint HERE;\n#endif\n", False, False),
        ("#ifdef CONFIG_X86_32\nint a;\n#else\nint HERE;\n#endif\n", True, True),
        ("#ifdef CONFIG_X86_64\nint a;\n#else /* 32 */\nint HERE;\n#endif\n", False, False),
        ("#ifdef CONFIG_NUMA\nint HERE;\n#endif\n", True, False),
        ("#ifdef CONFIG_NUMA\nint a;\n#else\nint HERE;\n#endif\n", True, False),
        ("#if defined(CONFIG_X86_32)\nint HERE;\n#endif\n", False, False),
        ("#if !defined(CONFIG_X86_32)\nint HERE;\n#endif\n", True, True),
        ("#if defined(CONFIG_X86_32) || defined(CONFIG_NUMA)\nint HERE;\n#endif\n", True, False),
        ("#if 0\nint a;\n#elif defined(CONFIG_X86_64)\nint HERE;\n#endif\n", True, True),
        ("#if PAGETABLE_LEVELS == 4\nint HERE;\n#endif\n", True, False),
        ("#ifdef CONFIG_X86_64\n#ifdef CONFIG_X86_32\nint HERE;\n#endif\n#endif\n", False, False),
        ("#ifdef CONFIG_X86_32\nint a;\n#endif\nint HERE;\n", True, True),
    ],
)
def test_what_an_x86_64_build_compiles(text: str, possible: bool, certain: bool) -> None:
    assert state(text) == (possible, certain)
