"""Results that outlive the process."""

from dataclasses import replace
from pathlib import Path

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import Verdict
from kpatch_tools.model.sweep import Journal, Outcome, Shape, scaled_layout
from kpatch_tools.model.sweep.journal import layout_key

CRASH = Outcome(Verdict.CRASH, "xen-refused-pin", "map-memory", "BUG at x.c:1\nsecond line, “quoted”")
OK = Outcome(Verdict.OK, stage="end of boot")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "sweep.jsonl")
    assert journal.read() == {}
    journal.append({"a": CRASH})
    journal.append({"b": OK, "a": OK})
    assert journal.read() == {"a": OK, "b": OK}
    assert Journal(journal.path).read() == journal.read()


def test_a_torn_line_costs_that_line_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sweep.jsonl")
    journal.append({"a": CRASH})
    with journal.path.open("ab") as file:
        file.write(b'["b", "OK", "", ""')
    journal.append({"c": OK})
    assert journal.read() == {"a": CRASH, "c": OK}


def test_nonsense_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sweep.jsonl")
    journal.path.write_bytes(b'{}\n[1]\nnull\n\xff\xfe\n["a", "MAYBE", "", "", ""]\n')
    journal.append({"b": OK})
    assert journal.read() == {"b": OK}


def test_a_file_that_cannot_be_used_is_the_users_to_mend(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(KpatchError) as unreadable:
        journal.read()
    assert unreadable.value.code == "journal-unreadable"
    with pytest.raises(KpatchError) as unwritable:
        journal.append({"a": OK})
    assert unwritable.value.code == "journal-unwritable"


def test_a_key_names_the_kernel_and_everything_of_the_layout() -> None:
    shape = Shape(low=230, hole=20, island=7, top=3, high=14)
    shapes = [
        shape,
        replace(shape, acpi=False),
        replace(shape, numa=True),
        replace(shape, image=shape.image + 16),
        replace(shape, top=0, low=227),
        replace(shape, high=0),
    ]
    keys = {layout_key(kernel, scaled_layout(one)) for one in shapes for kernel in ("k1", "k2")}
    assert len(keys) == 2 * len(shapes)
    renamed = replace(scaled_layout(shape), name="other")
    assert layout_key("k1", renamed) == layout_key("k1", scaled_layout(shape))
