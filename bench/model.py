"""The model's speed: one boot, a sweep, and getting a kernel ready, each against its target.

Every figure is the median of runs in processes of their own, interpreter start left out: by the clock, which decides,
and in processor time, which shows what a busy machine adds. A peer takes turns with them: `git grep` for a word over
the kernel's headers and the folders that the model reads, ten times. It does nothing of the kind; it is what the
figures are measured in besides, since a slow machine slows both alike. Exits 1 where a target is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpatch_tools.model import Translations, parse_layout
from kpatch_tools.model.run import boot, deep_recursion, load_kernel
from kpatch_tools.model.sweep import run_sweep
from kpatch_tools.tree import KernelTree

PEER = 10
SWEEP_BOUND = 2


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` is a name in what a measuring process prints; `limit` in seconds, or layouts a second for a rate."""

    figure: str
    words: str
    limit: float
    is_rate: bool = False


TARGETS = (
    Target("boot-64", "one boot, 64 MiB, warm", 0.2),
    Target("boot-4096", "one boot, 4 GiB, warm", 5.0),
    Target("ready-cold", "a kernel read and translated, nothing kept", 1.5),
    Target("ready-kept", "a kernel read and translated, kept by an earlier run", 0.3),
    Target("sweep", f"sweep on two cores, bound {SWEEP_BOUND}", 150.0, is_rate=True),
)


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds by the clock, and of the processor."""

    wall: float
    processor: float

    def __add__(self, other: "Time") -> "Time":
        return Time(self.wall + other.wall, self.processor + other.processor)

    def beyond(self, other: "Time") -> "Time":
        """What this took longer than the other, at least nothing."""
        return Time(max(0.0, self.wall - other.wall), max(0.0, self.processor - other.processor))


def timed(work: Callable[[], object]) -> Time:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Time(time.perf_counter() - wall, time.process_time() - processor)


def median(times: Sequence[Time]) -> Time:
    return Time(statistics.median(item.wall for item in times), statistics.median(item.processor for item in times))


def measure(what: str, repository: str, revision: str, folder: Path) -> dict[str, Time]:
    """One measuring process's figures. Translating is what a first boot takes longer than a second one."""
    source = KernelTree.open(Path(repository)).at(revision)
    if what == "sweep":
        rate = run_sweep(source, SWEEP_BOUND, jobs=2, confirm=False).rate
        return {"sweep": Time(rate, rate)}
    translations = Translations(folder) if what == "kept" else None
    small, guests = parse_layout("64M"), []
    loading = timed(lambda: guests.append(load_kernel(source, translations=translations)))
    guest = guests[0]
    with deep_recursion():
        first = timed(lambda: boot(guest, small))
        warm = median([timed(lambda: boot(guest, small)) for _ in range(5)])
        ready = loading + first.beyond(warm)
        if what == "kept":
            return {"ready-kept": ready}
        large = parse_layout("4096M")
        return {"boot-64": warm, "ready-cold": ready, "boot-4096": timed(lambda: boot(guest, large))}


def child(what: str, options: argparse.Namespace, folder: str) -> dict[str, Time]:
    script = [sys.executable, __file__, "--measure", what, "--folder", folder]
    command = [*script, "--repo", options.repo, options.revision]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Any = json.loads(done.stdout)
    return {str(name): Time(*value) for name, value in found.items()}


def peer(options: argparse.Namespace) -> float:
    command = ["git", "-C", options.repo, "grep", "-c", "page", options.revision, "--", "include", "arch/x86", "mm"]
    return timed(lambda: [subprocess.run(command, check=True, stdout=subprocess.DEVNULL) for _ in range(PEER)]).wall


def report(target: Target, values: Sequence[Time], unit: float) -> bool:
    """Print one line; whether the target is met."""
    middle = median(values)
    if target.is_rate:
        met = middle.wall >= target.limit
        figure = f"{middle.wall:6.0f} a second, {middle.wall * unit:.0f} in the peer's time; target {target.limit:g}"
    else:
        met = middle.wall <= target.limit
        figure = f"{middle.wall:6.3f} s ({middle.processor:.3f} s of processor), {middle.wall / unit:.2f} × the peer"
        figure += f"; target {target.limit:g} s"
    print(f"{target.words:54}{figure}: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", nargs="?", default="v2.6.39")
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="default: KPT_LINUX_GIT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=("boots", "kept", "sweep"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.repo:
        parser.error("no repository: set KPT_LINUX_GIT or give --repo")
    if options.measure:
        found = measure(options.measure, options.repo, options.revision, options.folder)
        print(json.dumps({name: (value.wall, value.processor) for name, value in found.items()}))
        return 0
    figures: dict[str, list[Time]] = {target.figure: [] for target in TARGETS}
    peers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        kept = str(Path(folder) / "translations")
        child("kept", options, kept)
        peer(options)
        for _ in range(options.rounds):
            peers.append(peer(options))
            for what in ("boots", "kept", "sweep"):
                for name, value in child(what, options, kept).items():
                    figures[name].append(value)
    unit = statistics.median(peers)
    print(f"model, {options.revision}; the peer, {PEER} × git grep over its headers: {unit:.3f} s")
    met = [report(target, figures[target.figure], unit) for target in TARGETS]
    return int(not all(met))


if __name__ == "__main__":
    sys.exit(main())
