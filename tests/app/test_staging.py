"""Files that appear together, or not at all."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kpatch_tools.app.staging import staged
from kpatch_tools.core.errors import KpatchError

FILES = {"0001.patch": b"one\n", "0002.patch": b"two\n"}


def test_all_files_come_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    with staged(folder, FILES) as put:
        assert not list(folder.glob("*.patch"))
        assert put() == (str(folder / "0001.patch"), str(folder / "0002.patch"))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == FILES


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged(tmp_path / "new" / "out", FILES):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as in a terminal: who starts tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_waits_until_everything_is_written(tmp_path: Path) -> None:
    def write() -> None:
        with staged(tmp_path / "out", FILES) as put:
            signal.raise_signal(signal.SIGINT)
            put()

    with pytest.raises(KeyboardInterrupt):
        write()
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_what_cannot_be_written_is_known_before_the_block(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way\n")
    reached = False
    with pytest.raises(KpatchError) as caught, staged(tmp_path / "file" / "out", FILES):
        reached = True
    assert (caught.value.code, reached) == ("cannot-write", False)
