"""The room's public names, which are imported when they are asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from kpatch_tools import hooks


def _declared() -> dict[str, str]:
    """As a type checker sees them: name to module."""
    assert hooks.__file__ is not None
    tree = ast.parse(Path(hooks.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {alias.name: f"kpatch_tools.hooks.{node.module}" for node in imports for alias in node.names}


@pytest.mark.parametrize("name", hooks.__all__)
def test_each_name_is_the_one_that_a_type_checker_sees(name: str) -> None:
    home = __import__(_declared()[name], fromlist=[name])
    assert getattr(hooks, name) is getattr(home, name)


def test_no_name_is_left_out() -> None:
    assert sorted(_declared()) == sorted(hooks.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        hooks.no_such_name  # noqa: B018


def test_one_name_does_not_bring_all_rooms_along() -> None:
    code = "import sys; from kpatch_tools.hooks import find_hook_tables; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "kpatch_tools.hooks.tables.finder" in loaded
    assert not [name for name in loaded if name.startswith(("kpatch_tools.hooks.index", "kpatch_tools.hooks.patches"))]
