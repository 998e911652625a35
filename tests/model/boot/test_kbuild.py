"""Which files a configuration compiles, on Makefiles of our own."""

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.model.boot.kbuild import is_compiled

CONFIG = {"CONFIG_64BIT": "1", "CONFIG_X86_64": "1", "CONFIG_SMP": "1"}
MAKEFILE = b"""\
# objects
obj-y := always.o two.o \\
\t three.o width_$(BITS).o
obj-$(CONFIG_SMP) += smp.o
obj-$(CONFIG_LATER) += later.o  # not here
ifeq ($(CONFIG_X86_64),y)
obj-y += wide.o
else
obj-y += narrow.o
endif
ifdef CONFIG_LATER
obj-y += defined.o
endif
obj-$(CONFIG_SMP) += parts.o
parts-y := piece.o
parts-$(CONFIG_LATER) += other.o
obj-y += entered/
obj-$(CONFIG_LATER) += closed/
"""


class Files:
    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def read(self, path: RepoPath) -> bytes | None:
        return self._files.get(path)

    def paths(self, *prefixes: str) -> object:
        return iter(())


@pytest.fixture
def tree() -> Overlay:
    below = b"obj-y := below.o\n"
    files = {"a/Makefile": MAKEFILE, "a/entered/Makefile": below, "a/closed/Makefile": below, "a/b/Kbuild": below}
    return Overlay(Files({}), {RepoPath(path): data for path, data in files.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "compiled"),
    [
        ("a/always.c", True),
        ("a/three.c", True),
        ("a/width_64.c", True),
        ("a/width_32.c", False),
        ("a/smp.c", True),
        ("a/later.c", False),
        ("a/wide.c", True),
        ("a/narrow.c", False),
        ("a/defined.c", False),
        ("a/piece.c", True),
        ("a/other.c", False),
        ("a/unknown.c", False),
        ("a/entered/below.c", True),
        ("a/closed/below.c", False),
        ("a/b/below.c", True),
        ("no/makefile.c", True),
    ],
)
def test_file_is_compiled(tree: Overlay, file: str, compiled: bool) -> None:
    assert is_compiled(tree, RepoPath(file), CONFIG) is compiled
