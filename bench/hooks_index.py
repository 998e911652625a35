"""The index of hook facts against Universal Ctags over the same C files, as ratios.

Ctags is what kernel people index a tree with, and does the nearest thing there is: it reads every file once and tells
what it declares. It is written in C, does not build syntax trees, and is handed files that are unpacked already.
Ratios are of processor seconds, those of all processes together: the two use different numbers of processes, so that a
busy machine would distort a comparison of the wall clock. That is printed beside them.

- cold: a whole revision is read into an empty index;
- warm: another process opens that revision again and asks one question;
- neighbour: the next revision is opened and asked, of which only what changed is read.

Exits 1 beyond a limit, 2 where there is no Universal Ctags.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LIMITS = {"cold": 15.0, "warm": 0.1, "neighbour": 0.5}
ASK = """
import sys
from pathlib import Path
from kpatch_tools.hooks.index.store import open_index
from kpatch_tools.tree import KernelTree
repository, folder, revision, *scope = sys.argv[1:]
tree = KernelTree.open(Path(repository))
index = open_index(Path(folder))
facts = index.at(tree.at(tree.resolve(revision)), scope=scope)
print(f"{facts.extent().files} files, {len(facts.calls(('open',)))} calls, {index.size / 1e6:.0f} MB")
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, of the wall clock and of all processors; and the last line that was said."""

    wall: float
    processor: float
    said: str


def run(command: list[str]) -> Cost:
    """One successful run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, processor, done.stdout.decode("utf-8", "replace").strip().rpartition("\n")[2])


def unpack(repository: str, revision: str, scope: list[str], folder: str) -> None:
    """The revision's files as files."""
    packed = subprocess.Popen(["git", "-C", repository, "archive", revision, *scope], stdout=subprocess.PIPE)
    subprocess.run(["tar", "--extract", "--directory", folder], stdin=packed.stdout, check=True)
    if packed.wait():
        raise SystemExit(f"git archive {revision} failed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="*", default=["v2.6.39", "v2.6.39.1"], help="one, and a neighbour of it")
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="default: KPT_LINUX_GIT")
    parser.add_argument("--scope", nargs="*", default=[], help="folders, default: the whole tree")
    options = parser.parse_args()
    if not options.repo or len(options.revisions) != 2:
        parser.error("two revisions and a repository are needed: set KPT_LINUX_GIT or give --repo")
    try:
        version = subprocess.run(["ctags", "--version"], capture_output=True, check=False).stdout
    except FileNotFoundError:
        version = b""
    if b"Universal Ctags" not in version:
        print("bench/hooks_index.py: no Universal Ctags to compare with: apt-get install universal-ctags")
        return 2
    first, neighbour = options.revisions
    peers, costs = [], {}
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as folder:
        unpack(options.repo, first, options.scope, files)
        ctags = ["ctags", "--recurse", "--languages=C", "--langmap=C:.c.h", "-o", str(Path(folder) / "tags"), files]
        for what, revision in (("cold", first), ("warm", first), ("neighbour", neighbour)):
            peers.append(run(ctags))
            costs[what] = run([sys.executable, "-c", ASK, options.repo, folder, revision, *options.scope])
    peer = statistics.median(cost.processor for cost in peers)
    print(f"ctags {first}: {peer:.2f} processor seconds, {statistics.median(cost.wall for cost in peers):.1f} s")
    failed = False
    for what, cost in costs.items():
        ratio = cost.processor / peer
        failed = failed or (ratio > LIMITS[what] and not options.scope)
        print(
            f"index {what:9} {cost.processor:7.2f} processor seconds, {cost.wall:.1f} s; ratio {ratio:.2f} "
            f"(limit {LIMITS[what]:g} for a whole tree); {cost.said}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
