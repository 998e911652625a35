"""`kpt hooks` against `git grep -l` over the same files of the same repository: medians, and their ratio.

Whole processes, interpreter start included; the two take turns, so that a busy machine slows both alike. One run of
each before the clock starts fills the page cache; kpt itself keeps nothing between runs. Exits 1 beyond LIMIT.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 3.0
TABLE = "x86_init"
SCOPE = ("arch/x86", "drivers")


def seconds(command: list[str]) -> float:
    """Wall-clock time of one successful run."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def take_turns(commands: dict[str, list[str]], *, rounds: int) -> dict[str, list[float]]:
    """Run each command once uncounted, then all of them in turn; the seconds of each counted run."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    return times


def compare(repository: str, revision: str, rounds: int) -> float:
    """Print both medians in seconds; the ratio kpt / git."""
    times = take_turns(
        {
            "git": ["git", "-C", repository, "grep", "-l", TABLE, revision, "--", *SCOPE],
            "kpt": [
                str(Path(sys.executable).with_name("kpt")),
                *("hooks", "--json", "--rev", revision, "--table", TABLE, "--repo", repository),
            ],
        },
        rounds=rounds,
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["kpt"] / medians["git"]
    best = min(times["kpt"]) / min(times["git"])
    print(
        f"hooks {TABLE} {revision:12} git grep -l {medians['git']:.2f} s   kpt hooks {medians['kpt']:.2f} s   "
        f"ratio {ratio:.2f} (of the fastest runs {best:.2f}; limit {LIMIT:g})"
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", default=["v2.6.39", "v3.1"])
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="default: KPT_LINUX_GIT")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if not options.repo:
        parser.error("no repository: set KPT_LINUX_GIT or give --repo")
    ratios = [compare(options.repo, revision, options.rounds) for revision in options.revisions]
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
