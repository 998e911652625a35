"""Analyse, generate, check and backport Linux kernel patches; confirm them by executing the tree's own C.

The names below are the library for bots and scripts; each is imported when first asked for, so that `kpt --version`
stays instant. The main job is `kpatch_tools.app.backport.backport`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpatch_tools.checks.catalogue import run_checks
    from kpatch_tools.core.errors import KpatchError
    from kpatch_tools.hooks import find_hook_tables, generate_hook
    from kpatch_tools.model import parse_layout, run_model
    from kpatch_tools.patch import apply_patch, parse_patch
    from kpatch_tools.tree import KernelTree

__version__ = "0.1.0"

__all__ = [
    "KernelTree",
    "KpatchError",
    "__version__",
    "apply_patch",
    "find_hook_tables",
    "generate_hook",
    "parse_layout",
    "parse_patch",
    "run_checks",
    "run_model",
]

_ROOMS = {
    "KernelTree": "tree",
    "KpatchError": "core.errors",
    "apply_patch": "patch",
    "find_hook_tables": "hooks",
    "generate_hook": "hooks",
    "parse_layout": "model",
    "parse_patch": "patch",
    "run_checks": "checks.catalogue",
    "run_model": "model",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
