"""Bytes by id, for the next run."""

from kpatch_tools.tree.kept import Kept

ONE, TWO = b"1" * 20, b"2" * 20


def test_what_is_kept_is_found_by_the_next_run(tmp_path, monkeypatch):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 2)
    file = tmp_path / "cache" / "kept"
    first = Kept(file, most=1 << 20)
    first.add(ONE, b"one")
    assert Kept(file, most=1 << 20).load([ONE]) == {}  # not worth a write yet
    first.add(TWO, b"two")
    assert Kept(file, most=1 << 20).load([ONE, TWO, b"3" * 20]) == {ONE: b"one", TWO: b"two"}


def test_a_file_that_has_grown_too_large_starts_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    file = tmp_path / "kept"
    Kept(file, most=1 << 20).add(ONE, b"one")
    assert Kept(file, most=1 << 20).load([ONE]) == {ONE: b"one"}
    assert Kept(file, most=0).load([ONE]) == {}


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    (tmp_path / "file").write_bytes(b"")
    kept = Kept(tmp_path / "file" / "kept", most=1 << 20)
    kept.add(ONE, b"one")
    assert kept.load([ONE]) == {}
