"""The library's public names."""

import kpatch_tools
import pytest


@pytest.mark.parametrize("name", kpatch_tools.__all__)
def test_each_public_name_can_be_had(name: str) -> None:
    assert getattr(kpatch_tools, name) is not None


def test_other_names_are_none_of_ours() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        kpatch_tools.no_such_name  # noqa: B018
