"""How surely an override is carried out, by its place."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.tables.standing import Standing, standing_of

Sources = Callable[[Mapping[str, str | bytes]], BlobSource]

FILE = """\
struct ops table = {
	.first = f,
#ifdef CONFIG_SET
	.second = f,
#endif
#ifdef CONFIG_UNSET
	.third = f,
#endif
#ifdef CONFIG_UNKNOWN
	.fourth = f,
#endif
};

void install(void)
{
	int x = 1;

	table.first = g;
	if (x)
		table.second = g;
#ifdef CONFIG_SET
	table.third = g;
#endif
	if (!x)
		return;
	table.fourth = g;
}
"""


@pytest.mark.parametrize(
    ("line", "function", "standing"),
    [
        (2, None, Standing.ALWAYS),
        (4, None, Standing.ALWAYS),
        (7, None, Standing.LEFT_OUT),
        (10, None, Standing.SOMETIMES),
        (18, "install", Standing.ALWAYS),
        (20, "install", Standing.SOMETIMES),
        (22, "install", Standing.ALWAYS),
        (26, "install", Standing.SOMETIMES),
    ],
)
def test_standing_by_place(sources: Sources, line: int, function: str | None, standing: Standing) -> None:
    source = sources({"a.c": FILE})
    place = Location(RepoPath("a.c"), line, function)
    assert standing_of(source, place, {"CONFIG_SET": True, "CONFIG_UNSET": False}) is standing


def test_nothing_is_sure_about_a_file_that_is_not_there(sources: Sources) -> None:
    assert standing_of(sources({}), Location(RepoPath("b.c"), 1), {}) is Standing.SOMETIMES
