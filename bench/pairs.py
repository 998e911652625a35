"""`kpt backport --batch` against `git merge-tree` and `patch` with wiggle, over real backports of the repository.

The pairs are the changes of stable branches that name their upstream commit: what maintainers had to do. Each tool
brings the upstream commit to the revision before the maintainer's own. git's three-way merge is `git cherry-pick`
without a work tree; patch gets the files in a folder, and wiggle, where it is installed, what patch rejects. Seconds
are those of processors for the peers, whole processes; for kpt those of each pair, of one process that does them all.
Exits 1 beyond a limit.
"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

RATIO = 3.0  # kpt's median to git's, of the pairs that git can do
HARD = 0.5  # seconds: kpt's median of the others
RELEASE = re.compile(r"(v2\.6\.\d+|v[3-9]\.\d+)\.(\d+)")
UPSTREAM = re.compile(
    rb"^(?:commit ([0-9a-f]{40}) upstream|\[ ?Upstream commit ([0-9a-f]{40}) ?\])", re.MULTILINE | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Full commit ids: what is to be brought, and the revision that it is brought to."""

    upstream: str
    target: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a peer did: whether without conflict, and the processor seconds that it took."""

    clean: bool
    seconds: float


class Git:
    """git in one repository; objects that it makes go elsewhere."""

    def __init__(self, repository: Path, scratch: Path) -> None:
        self._repository = repository
        folder = Path(self("rev-parse", "--git-path", "objects").decode().strip())
        objects = folder if folder.is_absolute() else repository / folder
        (scratch / "objects").mkdir()
        self._environment = {
            **os.environ,
            "GIT_OBJECT_DIRECTORY": str(scratch / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
            **{
                f"GIT_{who}_{what}": "bench@kernel.example"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

    def __call__(self, *arguments: str) -> bytes:
        environment = getattr(self, "_environment", None)
        return subprocess.run(
            ["git", "-C", str(self._repository), *arguments], check=True, capture_output=True, env=environment
        ).stdout

    def commit(self, revision: str, *parents: str) -> str:
        """A commit of that revision's tree with these parents."""
        more = [word for parent in parents for word in ("-p", parent)]
        return self("commit-tree", f"{revision}^{{tree}}", *more, "-m", "bench").decode().strip()

    def timed(self, *arguments: str) -> Done:
        return timed(["git", "-C", str(self._repository), *arguments], env=self._environment)


def timed(command: list[str], *, env: dict[str, str] | None = None, cwd: Path | None = None, data: bytes = b"") -> Done:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=data, capture_output=True, env=env, cwd=cwd, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Done(done.returncode == 0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def find_branches(git: Git) -> list[str]:
    """Ranges from a release to the last of its stable ones."""
    last: dict[str, int] = {}
    tags = set(git("tag", "--list").decode().split())
    for tag in tags:
        match = RELEASE.fullmatch(tag)
        if match is not None and match.group(1) in tags:
            last[match.group(1)] = max(last.get(match.group(1), 0), int(match.group(2)))
    return [f"{release}..{release}.{number}" for release, number in sorted(last.items())]


def find_pairs(git: Git, most: int) -> list[Pair]:
    """A fixed choice of those that the repository has."""
    found = []
    for branch in find_branches(git):
        for entry in git("log", "--no-merges", "--format=%x00%P%n%B", branch).split(b"\0")[1:]:
            parents, _, message = entry.partition(b"\n")
            match = UPSTREAM.search(message)
            if match is not None and len(parents) == 40:
                found.append(Pair((match.group(1) or match.group(2)).decode(), parents.decode()))
    random.Random(1).shuffle(found)
    return list(islice((pair for pair in found if is_commit(git, pair.upstream)), most))


def is_commit(git: Git, commit: str) -> bool:
    try:
        return len(git("rev-list", "--parents", "-1", commit).split()) == 2
    except subprocess.CalledProcessError:
        return False


def merge(git: Git, pair: Pair) -> Done:
    base = git.commit(f"{pair.upstream}^")
    return git.timed("merge-tree", "--write-tree", git.commit(pair.target, base), git.commit(pair.upstream, base))


def patch(git: Git, pair: Pair, folder: Path) -> Done:
    diff = git("diff", "--full-index", f"{pair.upstream}^", pair.upstream)
    names = git("diff", "--name-only", "-z", f"{pair.upstream}^", pair.upstream).decode().split("\0")
    for name in filter(None, names):
        try:
            data = git("cat-file", "blob", f"{pair.target}:{name}")
        except subprocess.CalledProcessError:
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    done = timed(["patch", "-p1", "--batch", "--silent", "--no-backup-if-mismatch"], cwd=folder, data=diff)
    if done.clean or shutil.which("wiggle") is None:
        return done
    clean, seconds = True, done.seconds
    for rejected in folder.rglob("*.rej"):
        wiggled = timed(["wiggle", "--replace", str(rejected.with_suffix("")), str(rejected)], cwd=folder)
        clean, seconds = clean and wiggled.clean, seconds + wiggled.seconds
    return Done(clean, seconds)


def kpt(repository: Path, pairs: list[Pair], scratch: Path) -> list[Done]:
    asked, answered = scratch / "in.jsonl", scratch / "out.jsonl"
    rows = [{"id": str(number), "upstream": one.upstream, "target": one.target} for number, one in enumerate(pairs)]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [str(Path(sys.executable).with_name("kpt")), "backport", "--repo", str(repository), "--jobs", "1", "-q"]
    command += ["--batch", str(asked), "--out", str(answered), "--objects", "none"]
    subprocess.run(command, check=False)
    found = {row["id"]: row for row in map(json.loads, answered.read_text().splitlines())}
    return [Done(found[row["id"]]["status"] == "applied", found[row["id"]]["secs"]) for row in rows]


def said(name: str, done: list[Done]) -> str:
    seconds = [one.seconds for one in done]
    clean = sum(one.clean for one in done)
    median = 1000 * statistics.median(seconds)
    return f"{name:18} {clean:4} of {len(done)} without conflict   median {median:6.1f} ms   most {max(seconds):.2f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repo", default=os.environ.get("KPT_LINUX_GIT"), help="[default: $KPT_LINUX_GIT]")
    parser.add_argument("--pairs", type=int, default=400)
    arguments = parser.parse_args()
    if not arguments.repo:
        parser.error("no repository: --repo, or set KPT_LINUX_GIT")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        git = Git(Path(arguments.repo), scratch)
        pairs = find_pairs(git, arguments.pairs)
        if not pairs:
            sys.exit(f"no pairs: {arguments.repo} has no stable release whose changes name their upstream commits")
        merged = [merge(git, pair) for pair in pairs]
        patched = []
        for number, pair in enumerate(pairs):
            folder = scratch / "patched" / str(number)
            folder.mkdir(parents=True)
            patched.append(patch(git, pair, folder))
        ours = kpt(Path(arguments.repo), pairs, scratch)
    wiggle = "patch, wiggle" if shutil.which("wiggle") else "patch (no wiggle)"
    for row in (said("git merge-tree", merged), said(wiggle, patched), said("kpt backport", ours)):
        print(row)
    easy = [(peer.seconds, own.seconds) for peer, own in zip(merged, ours, strict=True) if peer.clean]
    hard = [own.seconds for peer, own in zip(merged, ours, strict=True) if not peer.clean]
    ratio = statistics.median(own for _, own in easy) / statistics.median(peer for peer, _ in easy)
    worst = statistics.median(hard) if hard else 0.0
    print(f"where git merges: ratio {ratio:.2f} (limit {RATIO:g}); where it does not: {worst:.3f} s (limit {HARD:g})")
    return int(ratio > RATIO or worst > HARD)


if __name__ == "__main__":
    sys.exit(main())
