"""A directory as a source of blobs."""

from kpatch_tools.tree import Folder


def test_a_folder_reads_like_a_tree(tmp_path):
    (tmp_path / "arch" / "x86").mkdir(parents=True)
    (tmp_path / "arch" / "x86" / "a.c").write_bytes(b"\xff\n")
    (tmp_path / "arch.c").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"x")
    (tmp_path / "link").symlink_to("arch.c")
    (tmp_path / "linked").symlink_to("arch")
    folder = Folder(tmp_path)
    assert list(folder.paths()) == ["arch.c", "arch/x86/a.c"]
    assert list(folder.paths("arch/")) == ["arch/x86/a.c"]
    assert list(folder.paths("nowhere")) == []
    assert folder.read("arch/x86/a.c") == b"\xff\n"
    for absent in ("link", "linked/x86/a.c", "arch", "arch/../arch.c", ".git/config", "/etc/hostname", "../x", ""):
        assert folder.read(absent) is None
