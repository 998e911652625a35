"""GNU cpp as the judge: the same tokens."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.lexer import tokenize
from kpatch_tools.syntax.preprocessor import Preprocessor

_TEXT = r"""
#define CONCAT_(a, b) a ## b
#define CONCAT(a, b) CONCAT_(a, b)
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define CODE VERSION(2, 6, 39)
#define FOR_EACH(var, list) for (var = (list)->first; \
	var; var = var->next)
#define LOG(level, fmt, args...) log(level fmt, ## args)
#define DEBUG(fmt, ...) LOG("<7>", fmt, ##__VA_ARGS__)
#define FIELD(type, name, size) type name[(size) == 0 ? 1 : (size)];
#define DECLARE(name) static int CONCAT(name, _count); FIELD(unsigned long, name, CODE)
#define self(x) self(x + 1)
#define ping pong ping
#define pong ping pong
#define call(f, ...) f(__VA_ARGS__)
#define identity(x) x
#define empty
#define paren (
#define WRAP(x) do { x; } while (0)
DECLARE(pages)
FOR_EACH(p, &all) DEBUG("x %d", p->n); DEBUG("y");
self(self(2)) ping identity(pong) identity(identity)(ping)
call(identity, call(identity, CODE)) call(self, call(self, 1))
identity(empty) identity empty (7) identity
paren 1) STRING(CODE) STRING_(CODE) STRING(CONCAT(a, __LINE__)) __LINE__
WRAP(WRAP(a))
#if VERSION(2, 6, 38) < CODE && defined CODE && !defined(NOTHING)
newer
#elif CODE
never
#endif
#ifdef empty
#  if !(1 ? 0 : 2) && ((-1 >> 1) == -1) && (0x7fffffff + 1u == 0x80000000)
here
#  endif
#endif
#undef CODE
CODE CONCAT(identity, _5) CONCAT(, ) CONCAT(iden, tity)(6)
call(identity,
     3
) identity
(4)
"""


def _tokens(text: str) -> list[str]:
    """Tokens, white space inside strings aside: only the spacing of stringified arguments may differ."""
    return [re.sub(r"\s", "", token) for token in tokenize(text) if token != "\n"]


def _gnu(path: Path, *options: str) -> list[str]:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: nothing to compare with")
    command = ["gcc", "-E", "-P", "-undef", "-w", *options, path.name]
    return _tokens(subprocess.run(command, check=True, cwd=path.parent, capture_output=True).stdout.decode("latin-1"))


def _ours(text: str, sources: Callable[..., object]) -> list[str]:
    preprocessor = Preprocessor(sources({"t.c": text}))
    preprocessor.include(RepoPath("t.c"))
    assert preprocessor.troubles == ()
    return _tokens("\n".join(preprocessor.output().lines))


def test_a_text_full_of_macros(tmp_path: Path, sources: Callable[..., object]) -> None:
    path = tmp_path / "t.c"
    path.write_text(_TEXT)
    assert _ours(_TEXT, sources) == _gnu(path)


_NAMES = st.sampled_from(["A", "B", "C", "F", "G", "H", "x", "y"])
_PIECES = st.sampled_from(
    ["A", "B", "C", "F(x)", "G(A, 1)", "F", "G", "H(1, 2, y)", "H()", "x", "y", "1", "+", "(B)", "(A)"]
)
_BODY = st.lists(_PIECES, max_size=4).map(" ".join)


@st.composite
def _programs(draw: st.DrawFn) -> str:
    lines = [f"#define {name} {draw(_BODY)}" for name in draw(st.lists(st.sampled_from("ABC"), unique=True))]
    one = st.sampled_from(["x", "#x", "x ## A", "A ## x", "x x", "F(x)", "G(x, B)", "(x)"])
    two = st.sampled_from(["x", "y", "x ## y", "#y", "G(y, x)", "F(y)", "x + y"])
    lines.append(f"#define F(x) {draw(_BODY)} {draw(one)}")
    lines.append(f"#define G(x, y) {draw(two)} {draw(_BODY)}")
    lines.append(f"#define H(x, y...) {draw(two)} z(x, ## y)")
    for _ in range(3):
        condition = draw(st.sampled_from(["#if defined(A) || B", "#ifdef C", "#ifndef A", "#if A + 0"]))
        lines += [draw(_BODY), condition, draw(_BODY), "#else", draw(_BODY), "#endif"]
    return "\n".join(lines) + "\n"


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_programs())
def test_random_macros(text: str, tmp_path: Path, sources: Callable[..., object]) -> None:
    path = tmp_path / "t.c"
    path.write_text(text)
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: nothing to compare with")
    command = ["gcc", "-E", "-P", "-undef", "-w", path.name]
    result = subprocess.run(command, cwd=path.parent, capture_output=True, check=False)
    if result.returncode:
        return  # An error for cpp: a paste that makes no token, a call with too few arguments.
    preprocessor = Preprocessor(sources({"t.c": text}))
    preprocessor.include(RepoPath("t.c"))
    assert _tokens("\n".join(preprocessor.output().lines)) == _tokens(result.stdout.decode("latin-1"))


@pytest.mark.real
def test_a_kernel_file(tmp_path: Path, linux_git: Path) -> None:
    """One file of v2.6.39 with all its headers, both preprocessors reading the same files."""
    from kpatch_tools.tree import KernelTree

    tree = KernelTree.open(linux_git)
    source = tree.at(tree.resolve("v2.6.39"))
    defines = {"__KERNEL__": "1", "__x86_64__": "1", "__LP64__": "1", "__GNUC__": "4", "__GNUC_MINOR__": "4"}
    defines |= {"CONFIG_64BIT": "1", "CONFIG_X86_64": "1", "CONFIG_X86": "1", "CONFIG_SMP": "1", "CONFIG_HZ": "250"}
    defines |= {"CONFIG_MMU": "1", "CONFIG_NR_CPUS": "8", "CONFIG_NODES_SHIFT": "0", "CONFIG_X86_L1_CACHE_SHIFT": "6"}
    directories = ("arch/x86/include", "include")
    preprocessor = Preprocessor(source, include_dirs=directories, defines=defines)
    preprocessor.include(RepoPath("mm/memblock.c"))
    for path in preprocessor.files:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read(path) or b"")
    missing = [trouble for trouble in preprocessor.troubles if trouble.kind == "missing-include"]
    for trouble in missing:
        (tmp_path / "absent" / os.path.dirname(trouble.text)).mkdir(parents=True, exist_ok=True)
        (tmp_path / "absent" / trouble.text).write_bytes(b"")
    options = [f"-D{name}={value}" for name, value in defines.items()]
    include = [f"-I{directory}" for directory in (*directories, "absent")]
    command = ["gcc", "-E", "-P", "-undef", "-w", "-nostdinc", *options, *include, "mm/memblock.c"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    ours = _tokens("\n".join(preprocessor.output().lines))
    assert len(ours) > 20_000
    assert ours == _tokens(result.stdout.decode("latin-1"))
