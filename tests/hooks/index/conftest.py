"""A miniature tree, and every question that facts answer."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.hooks.index.query import TreeFacts
from kpatch_tools.syntax import words_in
from kpatch_tools.tree import KernelTree, Signature, TreeAt

SHOP: Mapping[str, str] = {
    "include/shop.h": """\
        typedef void (*ring_t)(int times);
        typedef struct till till_t;
        struct shop_ops { int (*open)(struct shop *shop); void (*close)(struct shop *shop); ring_t ring; };
        struct shop { const struct shop_ops *ops; struct till till; int hours; };
        #define shop_open(shop) ((shop)->ops->open(shop))
        extern struct shop corner;
        """,
    "include/till.h": "struct till { int (*count)(void); till_t *next; };\n",
    "shop/corner.c": """\
        static int corner_open(struct shop *shop) { return shop->hours; }
        static void corner_close(struct shop *shop) { shop->till.count = late_count; }
        static const struct shop_ops corner_ops = { .open = corner_open, .close = corner_close, .ring = bell };
        struct shop corner = { &corner_ops, { late_count }, 8 };
        """,
    "shop/street.c": """\
        int walk(struct shop *shop)
        {
                if (shop->ops->ring)
                        shop->ops->ring(3);
                corner.ops->close(&corner);
                CALL(shop->ops->open, 1);
                return shop->ops->open(shop);
        }
        """,
    "shop/broken.c": "int half(void) { return ( ; }\nstruct shop_ops = } corner_ops;\n",
    "shop/empty.c": "",
    "shop/latin.c": "/* caf\xe9 */ struct shop_ops caf\xe9_ops = { .open = caf\xe9_open };\n",
    "shop/notes.txt": "struct notes { void (*no)(void); };\n",
}


def text_of(files: Mapping[str, str]) -> dict[RepoPath, bytes]:
    return {RepoPath(path): text.encode("latin-1") for path, text in files.items()}


@pytest.fixture
def shop() -> dict[RepoPath, bytes]:
    """The files, and copies of one of them: several paths have one blob."""
    files = text_of(SHOP)
    return files | {RepoPath(f"arch/a{number}/street.c"): files[RepoPath("shop/street.c")] for number in range(3)}


@pytest.fixture
def commit(tmp_path: Path) -> Callable[[Mapping[RepoPath, bytes | None]], TreeAt]:
    """`commit(files)` is a revision with these files; another call changes the one before."""
    tree = KernelTree.create(tmp_path / "kernel.git", branch="main")
    last: list[ObjectId] = []

    def write(changes: Mapping[RepoPath, bytes | None]) -> TreeAt:
        who = Signature("Ada", "ada@example.org", 1_300_000_000 + len(last), 60)
        base = last[-1] if last else tree.empty_tree()
        made = tree.write(base=base, changes=changes, message=b"shop\n", author=who, committer=who)
        last.append(made)
        return tree.at(made)

    return write


Answer = Callable[[TreeFacts, Mapping[RepoPath, bytes]], dict[str, Any]]


@pytest.fixture
def answers() -> Answer:
    """Every answer to every question about every word of the files; alone and all together."""
    return every_answer


def every_answer(facts: TreeFacts, files: Mapping[RepoPath, bytes]) -> dict[str, Any]:
    names = sorted({word.decode("utf-8", "surrogateescape") for data in files.values() for word in words_in(data)})
    types = [*names, *(f"struct {name}" for name in names), *(f"union {name}" for name in names)]
    by_type = (facts.records, facts.holders, facts.aliases, facts.variables_of)
    by_name = (
        *(facts.typedefs, facts.variables_named, facts.filled_with, facts.assigned, facts.assignments, facts.calls),
        *(facts.functions, facts.macros, facts.macros_named, facts.unread),
    )
    found: dict[str, Any] = {"slot_records": facts.slot_records(), "unread": facts.unread(), "extent": facts.extent()}
    for words, questions in ((types, by_type), (names, by_name)):
        for question in questions:
            asked: Callable[[list[str]], Any] = question  # type: ignore[assignment]
            found[f"{question.__name__} of any"] = asked(words)
            found |= {f"{question.__name__} {word}": asked([word]) for word in words}
    return found
