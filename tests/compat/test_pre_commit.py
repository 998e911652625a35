"""The pre-commit framework installs kpt from this repository and runs it before a push."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BAD = "int two(void)\n{\n\treturn undeclared_thing(3);\n}\n"


@pytest.mark.slow
def test_a_push_is_stopped(tmp_path: Path) -> None:
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("pre-commit is not installed")
    if not (CHECKOUT / ".git").exists():
        pytest.skip("this is no checkout that pre-commit could clone")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "KPT_CACHE_DIR": str(tmp_path / "cache"),
        **{f"GIT_{who}_{what}": "a@x.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    (tmp_path / "gitconfig").write_text("[safe]\n\tdirectory = *\n")
    work = tmp_path / "work"
    work.mkdir()

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)

    def commit(name: str, text: str) -> None:
        file = work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        run("git", "add", "-A")
        assert run("git", "commit", "-q", "-m", f"{name}: change\n\nSigned-off-by: A <a@x.example>").returncode == 0

    run("git", "init", "-q", "--bare", str(tmp_path / "remote.git"))
    run("git", "init", "-q", "-b", "main")
    run("git", "remote", "add", "origin", str(tmp_path / "remote.git"))
    head = run("git", "-C", str(CHECKOUT), "rev-parse", "HEAD").stdout.strip()
    for name in ("Makefile", "include/linux/one.h", "arch/Kconfig"):
        commit(name, "\n")
    hooks = f"repos:\n- repo: {CHECKOUT}\n  rev: {head}\n  hooks:\n  - id: kpt-premerge\n"
    commit(".pre-commit-config.yaml", hooks)
    assert run("git", "push", "-q", "origin", "main").returncode == 0
    installed = run(sys.executable, "-m", "pre_commit", "install", "--hook-type", "pre-push")
    assert installed.returncode == 0, installed.stderr
    commit("drivers/two.c", BAD)
    pushed = run("git", "push", "origin", "main")
    assert pushed.returncode != 0
    assert "undeclared_thing" in pushed.stdout + pushed.stderr
    assert run("git", "rev-parse", "main").stdout != run("git", "rev-parse", "origin/main").stdout
