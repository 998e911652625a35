"""A small kernel with hook tables of every shape, and its facts."""

from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.index.memory import MemoryFacts

FILES: Mapping[str, str] = {
    "include/linux/shop.h": """\
        typedef int (*count_fn)(struct shop *shop);

        struct shop_ops {
            int (*open)(struct shop *shop);
            int (*close)(struct shop *shop);
            count_fn count;
        };

        struct shop {
            const struct shop_ops *ops;
            const char *name;
        };
        """,
    "arch/x86/include/asm/board.h": """\
        struct board_clocks {
            void (*start)(void);
            void (*stop)(void);
        };
        struct board_ops {
            struct board_clocks clocks;
            struct {
                void (*mask)(int line);
            } irqs;
        };
        extern struct board_ops board;
        """,
    "arch/x86/kernel/board.c": """\
        struct board_ops board __initdata = {
            .clocks = {
                .start = native_start,
            },
            .irqs.mask = native_mask,
        };
        """,
    "arch/x86/kernel/setup.c": """\
        void setup(void)
        {
            board.clocks.start();
            if (board.clocks.stop)
                board.clocks.stop();
            board.irqs.mask(3);
        }
        """,
    "arch/x86/guest/guest.c": """\
        static void guest_start(void) { }

        void guest_init(int quiet)
        {
            board.clocks.start = guest_start;
            if (quiet)
                board.irqs.mask = NULL;
        }
        """,
    "drivers/shops/corner.c": """\
        static int corner_open(struct shop *shop) { return 0; }
        static const struct shop_ops corner_ops = {
            .open = corner_open,
            .count = corner_count,
        };
        static const struct shop_ops many[] = {
            { .open = corner_open },
            { corner_open, corner_close },
        };
        """,
    "drivers/shops/core.c": """\
        struct clerk { int (*open)(int drawer); };

        int shop_open(struct shop *shop, struct clerk *clerk)
        {
            clerk->open(1);
            return shop->ops->open(shop);
        }

        int shop_count(void *of)
        {
            return find_shop(of)->ops->count(of);
        }

        int shop_guess(void)
        {
            return somewhere->open(2);
        }
        """,
}

Survey = Callable[..., MemoryFacts]


@pytest.fixture
def small_kernel() -> dict[str, str]:
    """Its files, still indented."""
    return dict(FILES)


@pytest.fixture
def survey(sources: Callable[[Mapping[str, str]], BlobSource]) -> Survey:
    """`survey({path: C, …})`: the facts of the small kernel with these files added or exchanged."""

    def build(files: Mapping[str, str] | None = None, *, alone: bool = False) -> MemoryFacts:
        every = {**({} if alone else FILES), **(files or {})}
        return MemoryFacts.of(sources({RepoPath(path): dedent(text) for path, text in sorted(every.items())}))

    return build
