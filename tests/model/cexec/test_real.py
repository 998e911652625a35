"""The translator on a real kernel's boot files."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model.boot.profile import PROFILE
from kpatch_tools.model.boot.unit import boot_files
from kpatch_tools.model.cexec import FlatMemory, Program, Unsupported, load_unit
from kpatch_tools.syntax.preprocessor import Preprocessor
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real
REVISIONS = ("v2.6.36", "v2.6.39", "tree-3.9.6")


@pytest.fixture(params=REVISIONS)
def kernel(request: pytest.FixtureRequest, linux_git: Path) -> BlobSource:
    tree = KernelTree.open(linux_git)
    return tree.at(tree.resolve(request.param))


def _program(source: BlobSource) -> Program:
    return Program(load_unit(source, boot_files(source), PROFILE), FlatMemory(size=1 << 25))


def test_every_function_translates(kernel: BlobSource) -> None:
    """What cannot be executed is a statement in the translation; nothing fails as a whole or for a reason of ours."""
    running = _program(kernel)
    refused = []
    for name in running.index.functions:
        try:
            compile(running.source_of(name), name, "exec")
        except Unsupported as error:
            refused.append((name, error.construct))
    assert len(running.index.functions) > 2500
    assert refused == []


def _layouts(running: Program) -> Iterator[str]:
    for is_union, tag in running.index.tags:
        record = running.declarations.record(tag, is_union=is_union)
        spelled = f"{'union' if is_union else 'struct'} {tag}"
        yield f'_Static_assert(sizeof({spelled}) == {record.size}, "size of {spelled}");'
        yield f'_Static_assert(__alignof__({spelled}) == {record.align}, "alignment of {spelled}");'
        for field in record.layout.fields.values():
            if field.width is None:
                offset = f"__builtin_offsetof({spelled}, {field.name})"
                yield f'_Static_assert({offset} == {field.offset}, "{spelled} {field.name}");'


def test_layouts_agree_with_gcc(kernel: BlobSource, tmp_path: Path) -> None:
    """Every struct of the unit: size, alignment, and the offset of every member that is no bit-field."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: nothing to compare with")
    preprocessor = Preprocessor(
        kernel,
        include_dirs=PROFILE.include_dirs,
        defines={**PROFILE.predefined, **PROFILE.config},
        overrides=PROFILE.overrides,
        undefinable=PROFILE.undefinable,
        virtual_files=PROFILE.virtual_files,
    )
    for path in boot_files(kernel):
        preprocessor.include(path)
    asserted = list(_layouts(_program(kernel)))
    text = "\n".join([*preprocessor.output().lines, *asserted])
    (tmp_path / "layouts.c").write_text(text, encoding="latin-1")
    # The model's macros make some functions that gcc does not take; only the assertions matter here.
    command = ["gcc", "-w", "-std=gnu99", "-fsyntax-only", "-fmax-errors=0", "layouts.c"]
    errors = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True).stderr
    assert len(asserted) > 4000
    assert [line for line in errors.splitlines() if "static assertion" in line or "invalid application" in line] == []
