"""Names that stand for a function."""

from collections.abc import Callable, Mapping

from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.tables.macros import object_macros

Sources = Callable[[Mapping[str, str | bytes]], BlobSource]


def test_every_definition_of_the_name_counts(sources: Sources) -> None:
    source = sources(
        {
            "inc/a.h": "#ifdef A\nvoid *setup(void);\n#else\n#define setup NULL\n#endif\n",
            "inc/b.h": "#define setup ((void *)nop)\n#define setup_more other\n#define setup(x) no\n",
            "inc/c.h": "/* #define setup commented */\n#if 0\n#define setup disabled\n#endif\n",
            "other/d.h": "#define setup elsewhere\n",
        }
    )
    assert list(object_macros(source, "setup", scope=("inc",))) == ["NULL", "((void *)nop)"]
