import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks import HOOKS, load_hook
from kpatch_tools.hooks.patches.spec import parse_hook


@pytest.mark.parametrize("name", HOOKS)
def test_bundled_hooks_can_be_read(name: str) -> None:
    spec = load_hook(name)
    assert spec.name == name
    assert spec.purpose
    assert spec.path.startswith(spec.table + ".")


def test_unknown_hook_names_the_known_ones() -> None:
    with pytest.raises(KpatchError) as error:
        load_hook("nonsuch")
    assert error.value.code == "unknown-hook"
    assert "pagetable_reserve" in error.value.hint


@pytest.mark.parametrize("data", [b"name = ", b'name = "x"\n', b"\xff", b"name = 3\nscope = []\n"])
def test_a_malformed_description_is_said(data: bytes) -> None:
    with pytest.raises(KpatchError) as error:
        parse_hook(data)
    assert error.value.code == "malformed-hook"
