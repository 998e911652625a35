"""A profile with other symbols."""

from kpatch_tools.model.boot.profile import PROFILE, with_config


def test_the_same_symbols_give_the_same_profile() -> None:
    assert with_config(PROFILE, {}) is PROFILE
    assert with_config(PROFILE, {"CONFIG_SMP": "1"}) is PROFILE


def test_a_symbol_that_is_not_set_is_gone_and_what_it_implies_follows() -> None:
    changed = with_config(PROFILE, {"CONFIG_SMP": None})
    assert "CONFIG_SMP" not in changed.config
    assert changed.config["CONFIG_NR_CPUS"] == "1"
    assert changed.name == f"{PROFILE.name}; CONFIG_SMP not set"


def test_a_symbol_that_is_named_wins_over_what_another_implies() -> None:
    changed = with_config(PROFILE, {"CONFIG_NODES_SHIFT": "3", "CONFIG_NUMA": "1"})
    assert changed.config["CONFIG_NODES_SHIFT"] == "3"
    assert changed.config["CONFIG_NEED_MULTIPLE_NODES"] == "1"
    assert changed.config["CONFIG_NUMA"] == "1"


def test_a_value_is_kept_as_it_is() -> None:
    assert with_config(PROFILE, {"CONFIG_NR_CPUS": "64"}).config["CONFIG_NR_CPUS"] == "64"
    assert PROFILE.config["CONFIG_NR_CPUS"] == "8"
