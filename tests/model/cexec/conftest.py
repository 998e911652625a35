"""Programs from C text, and gcc as the judge of what C means."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.cexec import COMPILER, DataMemory, FlatMemory, Profile, Program, Trap, Unsupported, load_unit

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


@dataclass(frozen=True)
class _RandomText:
    """Random C: `functions` named f0, f1, … on top of `shared`, with one list of argument lists for each."""

    shared: str
    functions: Sequence[str]
    types: Sequence[str]
    arguments: Sequence[Sequence[Sequence[int]]]
    before: str
    """A function to call before every call; empty for none."""


GCC = ("gcc", "-w", "-fwrapv", "-fno-strict-overflow", "-fno-strict-aliasing", "-fno-delete-null-pointer-checks")
"""As kernels are compiled."""


@pytest.fixture
def disagreements(tmp_path: Path, program: Build) -> Callable[..., list[str]]:
    """Runs random functions compiled by gcc without and with optimisation, and translated; what differs, in words.

    A function on which gcc does not agree with itself is the generator's mistake, and said so.
    """
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: nothing to compare with")

    def run(
        shared: str,
        functions: Sequence[str],
        types: Sequence[str],
        arguments: Sequence[Sequence[Sequence[int]]],
        *,
        before: str = "",
    ) -> list[str]:
        text = _RandomText(shared, functions, types, arguments, before)
        source = tmp_path / "random.c"
        source.write_text(_with_main(text))
        plain = subprocess.Popen([*GCC, "-O0", "-o", "plain", "random.c"], cwd=tmp_path)
        optimised = subprocess.Popen([*GCC, "-O2", "-o", "optimised", "random.c"], cwd=tmp_path)
        assert (plain.wait(), optimised.wait()) == (0, 0)
        outputs = [
            subprocess.run([f"./{name}"], check=True, cwd=tmp_path, capture_output=True, text=True).stdout.split()
            for name in ("plain", "optimised")
        ]
        ours = _translated(program, text)
        found = []
        for number, (mine, gcc, again) in enumerate(zip(ours, *outputs, strict=True)):
            function = number // len(text.arguments[0])
            if gcc != again:
                found.append(f"gcc disagrees with itself: {gcc} {again}\n{text.functions[function]}")
            elif mine != gcc:
                values = text.arguments[function][number % len(text.arguments[0])]
                found.append(f"{mine}, not {gcc}, for {values}\n{text.functions[function]}")
        return found

    return run


def _with_main(text: _RandomText) -> str:
    calls = []
    for number, lists in enumerate(text.arguments):
        for values in lists:
            given = ", ".join(f"({kind}){value}UL" for kind, value in zip(text.types, values, strict=True))
            before = f"{text.before}(); " if text.before else ""
            calls.append(f'{before}printf("%lu\\n", f{number}({given}));\n')
    functions = "".join(text.functions)
    return f"#include <stdio.h>\n{text.shared}{functions}int main(void) {{\n{''.join(calls)}return 0; }}\n"


def _translated(program: Build, text: _RandomText) -> list[str]:
    """What our translation gives, as the compiled program prints it; or why it gives nothing."""
    running = program(text.shared + "".join(text.functions), primitives=_string_functions(lambda: running.memory))
    results = []
    for number, lists in enumerate(text.arguments):
        for values in lists:
            if text.before:
                running.call(text.before)
            try:
                results.append(str(running.call(f"f{number}", *values)))
            except (Unsupported, Trap) as error:
                results.append(f"{type(error).__name__}: {error}")
    return results


def _string_functions(memory: Callable[[], DataMemory]) -> dict[str, Callable[..., int]]:
    def get(address: int, count: int) -> bytes:
        return cast("bytes", memory().accessors()["getb"](address, count))

    def put(address: int, content: bytes) -> int:
        memory().accessors()["putb"](address, content)
        return address

    def compare(left: int, right: int, count: int) -> int:
        a, b = get(left, count), get(right, count)
        return (a > b) - (a < b)

    return {
        "memset": lambda target, value, count: put(target, bytes([value & 0xFF]) * count),
        "memcpy": lambda target, source, count: put(target, get(source, count)),
        "memmove": lambda target, source, count: put(target, get(source, count)),
        "memcmp": compare,
    }
