"""Files that appear together, whole, or not at all."""

import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kpatch_tools.core.errors import KpatchError


@contextmanager
def staged(folder: Path | None, files: Mapping[str, bytes]) -> Iterator[Callable[[], tuple[str, ...]]]:
    """Write `files` (contents by name) aside in `folder`, which is made if need be; the value puts them in place.

    What cannot be written is known before the block does anything else. Ctrl-C waits until the block is over, so that
    what the block writes (a branch) and the files come together. Where the block fails, or does not call the value,
    nothing is left. None as folder: nothing is written.

    Raises KpatchError "cannot-write".
    """
    if folder is None:
        with _uninterrupted():
            yield tuple
        return
    made = _missing(folder)
    done = False

    def put() -> tuple[str, ...]:
        nonlocal done
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(folder / name)
        done = True
        return tuple(str(folder / name) for name in files)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kpt-", dir=folder) as name:
            aside = Path(name)
            for file, data in files.items():
                (aside / file).parent.mkdir(parents=True, exist_ok=True)
                (aside / file).write_bytes(data)
            with _uninterrupted():
                yield put
    except OSError as error:
        raise KpatchError("cannot-write", f"{folder}: {error.strerror}", hint="name another folder with -o") from error
    finally:
        if not done:
            _remove_empty(made)


def _missing(folder: Path) -> tuple[Path, ...]:
    """The folders that have to be made for `folder`, innermost first."""
    return tuple(one for one in (folder, *folder.parents) if not one.exists())


def _remove_empty(folders: tuple[Path, ...]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """SIGINT is held back for as long as the block runs, and delivered after it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
