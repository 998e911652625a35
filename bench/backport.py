"""The whole main job against `git grep` over the same tree: medians, and their ratio; and the job's own limit.

Whole processes, interpreter start included, taking turns. The peer does not do the job: it is what the job is measured
in, since a busy or slow machine slows both alike. Exits 1 where the main job takes longer than LIMIT seconds.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from hooks import take_turns

LIMIT = 20.0
TARGET = "92bdaef7b2c"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="[default: $KPT_LINUX_GIT]")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.repo:
        parser.error("no repository: --repo, or set KPT_LINUX_GIT")
    kpt = Path(sys.executable).with_name("kpt")
    times = take_turns(
        {
            "git": ["git", "-C", arguments.repo, "grep", "-l", "x86_init", TARGET],
            "kpt": [str(kpt), "backport", "--json", "--to", TARGET, "--repo", arguments.repo],
        },
        rounds=arguments.rounds,
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"backport --to {TARGET}: {medians['kpt']:.1f} s, {medians['kpt'] / medians['git']:.1f} × git grep", end=" ")
    print(f"over the tree ({medians['git']:.1f} s); limit {LIMIT:.0f} s on two cores")
    return int(medians["kpt"] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
