"""The index of a history (kpt backport --index) against `git log --raw` over the same commits; and its own limits.

git log tells the same of every commit: which paths it changed. The index is built up to the commit --until, and then
brought up to date with all that the repository has, as after a fetch. Ratios are of processor seconds, those of all
processes together: a busy machine would distort the wall clock, which is printed beside them. Exits 1 beyond a limit.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

LIMITS = {"build": 180.0, "update": 5.0}  # seconds of the wall clock, on two processors
OPEN = """
import sys
from pathlib import Path
from kpatch_tools.backport import find_tips, open_past
from kpatch_tools.tree import KernelTree
repository, folder, until = sys.argv[1:]
tree = KernelTree.open(Path(repository))
tips = find_tips(tree)
if until:
    last = tree.resolve(until).oid
    tips = [tip for tip in tips if tip == last or not tree.is_ancestor(last, tip)]
open_past(tree, Path(folder), tips=tips)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, of the wall clock and of all processors."""

    wall: float
    processor: float


def run(command: list[str]) -> Cost:
    """One successful run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="[default: $KPT_LINUX_GIT]")
    parser.add_argument("--until", default="v3.1-rc9", help="what is built at once [default: v3.1-rc9]")
    arguments = parser.parse_args()
    if not arguments.repo:
        parser.error("no repository: --repo, or set KPT_LINUX_GIT")
    peer = run(
        ["git", "-C", arguments.repo, "log", "--all", "--raw", "--no-renames", "--no-abbrev", "--format=%H %s%n%b"]
    )
    print(f"git log --raw: {peer.processor:.1f} processor seconds, {peer.wall:.1f} s")
    is_slow = False
    with tempfile.TemporaryDirectory() as folder:
        for what, until in (("build", arguments.until), ("update", "")):
            cost = run([sys.executable, "-c", OPEN, arguments.repo, folder, until])
            is_slow = is_slow or cost.wall > LIMITS[what]
            ratio = cost.processor / peer.processor
            print(f"history index {what:6} {cost.processor:6.1f} processor seconds, ratio {ratio:.2f};", end=" ")
            print(f"{cost.wall:.1f} s (limit {LIMITS[what]:g} s on two processors)")
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
