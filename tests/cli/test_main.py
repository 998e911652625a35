"""The command line's frame: help, version, errors, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kpatch_tools import __version__
from kpatch_tools.cli.main import VERBS


def kpt(*arguments: str, cwd: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run kpt as a user would, in its own process and with nothing but the given environment."""
    return subprocess.run(
        [sys.executable, "-c", "from kpatch_tools.cli.main import main; main()", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "100", **environment},
        check=False,
    )


def test_version_is_printed(tmp_path: Path) -> None:
    done = kpt("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.decode()) == (0, f"kpt, version {__version__}\n")


def test_version_imports_no_heavy_library() -> None:
    code = (
        "import sys; from kpatch_tools.cli.main import kpt\n"
        "heavy = {'pygit2', 'tree_sitter', 'unidiff', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_names_every_verb(tmp_path: Path) -> None:
    text = kpt("--help", cwd=tmp_path).stdout.decode()
    assert all(f"\n  {verb} " in text for verb in VERBS)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "demo"])
def test_every_verb_teaches_by_example(tmp_path: Path, verb: str) -> None:
    done = kpt(verb, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"  kpt {verb}" in done.stdout.decode().partition("Examples:")[2]


def test_no_repository_is_one_clear_error(tmp_path: Path) -> None:
    done = kpt("hooks", cwd=tmp_path)
    assert done.returncode == 2
    assert b"[no-repository]" in done.stderr
    assert b"KPT_LINUX_GIT" in done.stderr
    assert done.stdout == b""


def test_errors_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    done = kpt("hooks", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "no-repository"


def test_an_unknown_option_is_bad_usage(tmp_path: Path) -> None:
    assert kpt("hooks", "--no-such-option", cwd=tmp_path).returncode == 2


def test_completion_scripts_are_printed(tmp_path: Path) -> None:
    assert b"_KPT_COMPLETE" in kpt("completion", "bash", cwd=tmp_path).stdout


def test_our_own_mistake_is_no_finding(tmp_path: Path) -> None:
    """Exit 1 would say that a person must look at the patch, 2 that the input was bad."""
    code = (
        "import kpatch_tools.cli.main as m, kpatch_tools.cli.completion as c\n"
        "def broken(*a, **k): raise ValueError('ours')\n"
        "c.command.callback = broken\n"
        "import sys; sys.argv = ['kpt', 'completion', 'bash']; m.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 3
    assert b"[internal-error]" in done.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("hooks", "--bogus"), ("backport",), ("check",)])
def test_bad_usage_is_one_json_document_too(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = kpt(*arguments, "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["error"]["code"]) == (2, 1, "usage")


@pytest.mark.parametrize(
    ("raised", "exit_code", "error_code"),
    [("ValueError('ours')", 3, "internal-error"), ("KeyboardInterrupt", 130, "interrupted")],
)
def test_a_bug_and_ctrl_c_are_one_json_document_too(raised: str, exit_code: int, error_code: str) -> None:
    code = (
        "import kpatch_tools.cli.main as m, kpatch_tools.cli.hooks as h\n"
        f"def broken(*a, **k): raise {raised}\n"
        "h.command.callback = broken\n"
        "import sys; sys.argv = ['kpt', 'hooks', '--json']; m.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["error"]["code"]) == (exit_code, 1, error_code)


def test_ctrl_c_before_anything_is_imported_is_no_traceback() -> None:
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from kpatch_tools.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"interrupted; nothing was done\n")


def test_the_package_is_the_command_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kpatch_tools", "--version"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode() == f"kpt, version {__version__}\n"
