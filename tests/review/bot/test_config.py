"""What the bot is told."""

from pathlib import Path

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.bot.config import EXAMPLE, parse_config

SMALL = 'repository = "r"\nstate = "s"\n[[source]]\nkind = "maildir"\npath = "m"\n'


def test_the_example_is_a_configuration_that_sends_nothing(tmp_path: Path) -> None:
    config = parse_config(EXAMPLE, "kpt.toml", tmp_path)
    assert config.limits.seconds == 300
    assert [output.kind for output in config.outputs] == ["folder", "mail"]
    assert not config.outputs[1].post


def test_relative_paths_begin_beside_the_file(tmp_path: Path) -> None:
    config = parse_config(SMALL, "kpt.toml", tmp_path)
    assert config.repository == tmp_path / "r"
    assert config.sources[0].path == tmp_path / "m"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = [", "kpt.toml"),
        ("", "`repository` is missing"),
        ('repository = 3\nstate = "s"', "`repository` is not a path"),
        ('repository = "r"\nstate = "s"', "nothing to watch"),
        (SMALL + "extra = 1\n", "unknown extra"),
        (SMALL + '[[output]]\nkind = "fax"\n', "one of folder, mail, patchwork"),
        (SMALL + '[[output]]\nkind = "mail"\nsmtp = "x"\nfrom = "y"\nto = "z"\n', "`to` is not a list of texts"),
        (SMALL + "[limits]\nseconds = 0\n", "at least 1"),
        (SMALL + '[[source]]\nkind = "patchwork"\nurl = "file:///etc"\nproject = "x"\n', "http"),
        ("on = 'x'\n" + SMALL, "`on` is not a list of texts"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(KpatchError) as raised:
        parse_config(text, "kpt.toml", tmp_path)
    assert raised.value.code == "malformed-config"
    assert says in raised.value.message
