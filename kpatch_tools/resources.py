"""Finds templates/ and fixtures/ in a wheel, an editable install and a checkout."""

from pathlib import Path
from typing import Literal

from .core.errors import KpatchError


def data_dir(kind: Literal["templates", "fixtures"]) -> Path:
    """The folder that holds the package's own templates or fixtures.

    A wheel carries them in `_data/`; a checkout (also one installed with `pip install -e`) has them at its top
    level. Raises KpatchError "broken-install" where neither is there.
    """
    package = Path(__file__).parent
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise KpatchError(
        "broken-install", f"kpt's own {kind} are missing beside {package}", hint="install kpatch-tools again"
    )
