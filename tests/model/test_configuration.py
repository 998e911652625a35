"""CONFIG_ symbols of which the profile says nothing, where they decide code that was executed."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import PROFILES, Verdict, parse_layout, parse_profile, run_model
from kpatch_tools.model.cexec import Profile
from kpatch_tools.model.configuration import unknown_symbols

FILE = RepoPath("a.c")
TEXT = """\
#ifdef CONFIG_AROUND
static int guarded(void)
{
	return 1;
}
#else
static int other(void)
{
	/* CONFIG_COMMENT */
#ifdef CONFIG_INSIDE
	return 2;
#endif
	return IS_ENABLED(CONFIG_ASKED);
}
#endif
#ifdef CONFIG_ELSEWHERE
int unrelated;
#endif
MACRO(made)
int plain(void)
{
	return 3;
#ifdef CONFIG_AT_THE_END
	return 4;
#endif
}
"""


class Text:
    """One file."""

    def read(self, path: RepoPath) -> bytes | None:
        return TEXT.encode() if path == FILE else None

    def paths(self, *prefixes: str) -> list[RepoPath]:
        return [FILE]


NOTHING_KNOWN = Profile("p")


def found(first: int, last: int, profile: Profile = NOTHING_KNOWN) -> dict[str, int]:
    return {one.symbol: one.line for one in unknown_symbols(Text(), [("f", FILE, first, last)], profile)}  # type: ignore[arg-type]


def test_symbols_inside_and_around_a_function() -> None:
    assert found(13, 13) == {"CONFIG_AROUND": 1, "CONFIG_INSIDE": 10, "CONFIG_ASKED": 13}


def test_code_that_is_not_there_at_the_end_counts() -> None:
    assert found(22, 22) == {"CONFIG_AT_THE_END": 23}


def test_a_function_that_a_macro_makes_is_one_line() -> None:
    assert found(19, 19) == {}


def test_what_is_set_or_known_to_be_unset_is_known() -> None:
    profile = Profile("p", config={"CONFIG_AROUND": "1"}, unset=frozenset({"CONFIG_INSIDE"}))
    assert found(13, 13, profile) == {"CONFIG_ASKED": 13}


def test_the_order_of_what_was_executed_does_not_matter() -> None:
    executed = [("a", FILE, 4, 4), ("b", FILE, 13, 13)]
    there = unknown_symbols(Text(), executed, NOTHING_KNOWN)  # type: ignore[arg-type]
    assert there == unknown_symbols(Text(), reversed(executed), NOTHING_KNOWN)  # type: ignore[arg-type]


def test_a_run_lists_them(
    miniature: Callable[[str], BlobSource],
    edited: Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource],
) -> None:
    line = "\tunsigned long mapped;\n"
    source = edited(
        miniature("13"), {"arch/x86/mm/init.c": (line, line + "#ifdef CONFIG_NOVEL\n\tmapped = 1;\n#endif\n")}
    )
    (run,) = run_model(source, [parse_layout("64M")])
    assert run.verdict is Verdict.OK
    assert [(one.symbol, one.function) for one in run.unknown_symbols] == [("CONFIG_NOVEL", "init_memory_mapping")]
    (run,) = run_model(source, [parse_layout("64M")], profile=parse_profile("x86_64-xen-pv,-NOVEL"))
    assert run.unknown_symbols == ()


def test_profiles_have_names_of_their_own() -> None:
    names = [one.profile.name for one in PROFILES]
    assert len(set(names)) == len(names) == 8
    assert all(parse_profile(name).name == name for name in names)


def test_a_profile_varies_by_symbols() -> None:
    profile = parse_profile("x86_64-native,+NUMA,-SMP,+NR_CPUS=64")
    assert profile.name == "x86_64-native,+NUMA,-SMP,+NR_CPUS=64"
    assert profile.config["CONFIG_NUMA"] == "1"
    assert profile.config["CONFIG_NR_CPUS"] == "64"
    assert "CONFIG_SMP" in profile.unset
    assert "CONFIG_SMP" not in profile.config
    assert "CONFIG_NUMA" not in profile.unset


def test_the_native_profile_has_no_xen() -> None:
    config = parse_profile("x86_64-native").config
    assert not [name for name in config if "XEN" in name]
    assert "CONFIG_PARAVIRT" in config


@pytest.mark.parametrize("text", ["nope", "x86_64-native,NUMA", "x86_64-native,-NR_CPUS=3", ""])
def test_unknown_profiles_are_refused(text: str) -> None:
    with pytest.raises(KpatchError) as error:
        parse_profile(text)
    assert error.value.code == "unknown-profile"
