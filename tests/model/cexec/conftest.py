"""Programs from C text, and gcc as the judge of what C means."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.cexec import COMPILER, FlatMemory, Profile, Program, load_unit

Build = Callable[..., Program]
Native = Callable[[Mapping[str, str]], dict[str, int]]


@pytest.fixture
def program(sources: Callable[..., object]) -> Build:
    """`program("int f(void) { return 1; }")` or `program({"a.c": ..., "b.c": ...}, primitives=...)`."""

    def build(text: str | Mapping[str, str], *, profile: Profile = COMPILER, **options: object) -> Program:
        files = {"test.c": text} if isinstance(text, str) else dict(text)
        unit = load_unit(sources(files), [RepoPath(path) for path in files if path.endswith(".c")], profile)
        assert unit.troubles == ()
        return Program(unit, FlatMemory(), **options)

    return build


@pytest.fixture
def native(tmp_path: Path) -> Native:
    """Runs `long test(void)` of each snippet, compiled by gcc with wrapping arithmetic; results by name."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: nothing to compare with")

    def run(snippets: Mapping[str, str]) -> dict[str, int]:
        files = []
        for number, text in enumerate(snippets.values()):
            path = tmp_path / f"snippet{number}.c"
            path.write_text(f"#define test test_{number}\n{text}\n")
            files.append(str(path))
        declared = "".join(f"long test_{number}(void);\n" for number in range(len(snippets)))
        printed = "".join(f'printf("%ld\\n", test_{number}());\n' for number in range(len(snippets)))
        main = tmp_path / "main.c"
        main.write_text(f"#include <stdio.h>\n{declared}int main(void) {{\n{printed}return 0; }}\n")
        binary = tmp_path / "snippets"
        subprocess.run(["gcc", "-w", "-O0", "-fwrapv", "-o", str(binary), str(main), *files], check=True, cwd=tmp_path)
        lines = subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout.split()
        return dict(zip(snippets, map(int, lines), strict=True))

    return run
