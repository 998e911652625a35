"""Changes and targets of a few lines of our own C."""

from dataclasses import dataclass

from kpatch_tools.backport import Pick, carry_change
from kpatch_tools.backport.change import Change
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import is_below
from kpatch_tools.patch import diff_sources


@dataclass(frozen=True)
class Files:
    """A version of the tree, as text."""

    texts: dict[str, str]

    def read(self, path):
        text = self.texts.get(path)
        return None if text is None else text.encode()

    def paths(self, *prefixes):
        return (RepoPath(path) for path in sorted(self.texts) if is_below(path, prefixes))


def carry(before: dict[str, str], after: dict[str, str | None], target: dict[str, str], **options) -> Pick:
    left = {path: text for path, text in (before | after).items() if text is not None}
    old, new = Files(before), Files(left)
    files = diff_sources(old, {RepoPath(path): None if text is None else text.encode() for path, text in after.items()})
    return carry_change(Change("subject", b"subject\n", files, None, old, new), Files(target), **options)


KEPT = "int kept_one;\nint kept_two;\nint kept_three;\nint kept_four;\n"
CHANGED = KEPT.replace("kept_three", "kept_three = 3")


def carry_beside(before: dict[str, str], after: dict[str, str | None], target: dict[str, str]) -> Pick:
    """As `carry`, with another file, `kept.c`, that goes on: a change of which all is left out is not carried."""
    return carry({**before, "kept.c": KEPT}, {**after, "kept.c": CHANGED}, {**target, "kept.c": KEPT})


def lines(*rows: str) -> str:
    return "".join(row + "\n" for row in rows)


def kinds(pick: Pick) -> list[HunkClass]:
    return [hunk.kind for hunk in pick.hunks]


TOP = ("#include <a.h>", "", "static int limit_of_queue;", "")


def function(name: str, *body: str) -> tuple[str, ...]:
    return (f"static void {name}(struct queue *queue)", "{", *(f"\t{row}" for row in body), "}", "")


FLUSH = ("int depth = queue->depth;", "", "stop_queue(queue);", "flush_pages(queue, depth, 0);", "start_queue(queue);")
OTHER = function("grow", "grow_queue(queue);", "count_queue(queue);", "wake_all_readers(queue);")
