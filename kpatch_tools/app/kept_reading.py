"""Use case of others: what checks read out of blobs is kept on disk between runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kpatch_tools.checks.kept import dump_kept, load_kept, size, version
from kpatch_tools.files import replace_file

_WORTH_KEEPING = 200  # blobs


@contextmanager
def kept_reading(folder: Path) -> Iterator[None]:
    """While the block runs, what earlier runs read is known; at its end, however it ends, what came to it is kept.

    A file that is damaged or cannot be written costs time only. Two runs at once: the last one's is kept.
    """
    file = folder / f"checks-{version()}.json.z"
    with suppress(OSError, ValueError):
        load_kept(file.read_bytes())
    before = size()
    try:
        yield
    finally:
        if size() - before >= _WORTH_KEEPING:
            _keep(file)


def _keep(file: Path) -> None:
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, dump_kept())
        for other in file.parent.glob("checks-*.json.z"):
            if other != file:
                other.unlink(missing_ok=True)
