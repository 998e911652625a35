"""What the README tells others to put into their CI and their systemd, executed as it stands there."""

import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from kpatch_tools.review.bot.config import EXAMPLE, parse_config

from .conftest import BAD, GOOD, Clone

yaml: Any = pytest.importorskip("yaml", reason="what pre-commit brings along")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SARIF = ROOT / "tests" / "review" / "reports" / "schemas" / "sarif.json"


def block_after(words: str) -> str:
    """The first indented block after these words."""
    lines = README.partition(words)[2].splitlines()[1:]
    start = next(number for number, line in enumerate(lines) if line.startswith("    "))
    end = next(number for number, line in enumerate(lines[start:], start) if line and not line.startswith("    "))
    return textwrap.dedent("\n".join(lines[start:end]))


def in_backticks(words: str, key: str) -> Any:
    """A YAML mapping of one key that stands in backticks after these words."""
    found = next(text for text in re.findall(r"`([^`]+)`", README.partition(words)[2]) if text.startswith(f"{key}:"))
    return yaml.safe_load(found)[key]


class Machine:
    """What runs a job's steps: a fresh clone of the topic, with the whole history, and bash."""

    def __init__(self, clone: Clone, program: Path, path: Path) -> None:
        assert clone.git("clone", "-q", str(clone.remote), str(path)).returncode == 0
        assert clone.git("checkout", "-q", "-B", "topic", "origin/topic", cwd=path).returncode == 0
        self.path = path
        self._environment = {
            "PATH": f"{program}:/usr/bin:/bin",
            "HOME": str(path.parent),
            "KPT_CACHE_DIR": str(path.parent / "cache"),
        }

    def run(self, script: str, **variables: str) -> int:
        assert "${{" not in script
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.path,
            env={**self._environment, **variables},
            capture_output=True,
            check=False,
        )
        return done.returncode


@pytest.fixture(params=["good", "bad", "nothing"])
def topic(request: pytest.FixtureRequest, clone: Clone) -> str:
    """A branch that is to be merged, and what is in it."""
    assert clone.git("checkout", "-q", "-b", "topic").returncode == 0
    if request.param != "nothing":
        clone.commit("drivers/one.c", GOOD)
    if request.param == "bad":
        clone.commit("drivers/two.c", BAD)
    assert clone.git("push", "-q", "origin", "topic").returncode == 0
    return str(request.param)


def run_steps(steps: list[Mapping[str, Any]], machine: Machine, context: Mapping[str, str]) -> tuple[bool, list[Path]]:
    """As GitHub does: nothing more after a step that fails, but what always runs. Whether all went well, and the files
    that were handed to an action that uploads SARIF."""
    well, uploaded = True, list[Path]()
    for step in steps:
        if not well and step.get("if") != "always()":
            continue
        if "run" in step:
            script = step["run"]
            for expression, value in context.items():
                script = script.replace(expression, value)
            well = machine.run(script) == 0 and well
        else:
            assert re.fullmatch(r"github/codeql-action/upload-sarif@v\d+", step["uses"])
            uploaded.append(machine.path / step["with"]["sarif_file"])
    return well, uploaded


def test_the_github_steps_upload_what_fits(topic: str, clone: Clone, program: Path, tmp_path: Path) -> None:
    steps = yaml.safe_load(block_after("**GitHub**"))
    machine = Machine(clone, program, tmp_path / "runner")
    well, (uploaded,) = run_steps(steps, machine, {"${{ github.base_ref }}": "main"})
    assert well is (topic != "bad")
    log = json.loads(uploaded.read_text(encoding="utf-8"))
    jsonschema.validate(log, json.loads(SARIF.read_text(encoding="utf-8")))
    found = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in log["runs"][0]["results"]
        if one["level"] == "error"
    ]
    assert found == (["drivers/two.c"] if topic == "bad" else [])


def test_the_gitlab_job_leaves_what_fits(topic: str, clone: Clone, program: Path, tmp_path: Path) -> None:
    script, artifacts = in_backticks("**GitLab**", "script"), in_backticks("**GitLab**", "artifacts")
    machine = Machine(clone, program, tmp_path / "runner")
    code = machine.run(script, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert code == (1 if topic == "bad" else 0)
    assert artifacts["when"] == "always"
    suites = ElementTree.parse(machine.path / artifacts["reports"]["junit"]).getroot()
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert suites.tag == "testsuites"
    assert len(failed) == (1 if topic == "bad" else 0)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_unit_is_one(program: Path, tmp_path: Path) -> None:
    text = block_after("As a systemd unit").replace("/opt/kpt/bin/kpt", str(program / "kpt"))
    unit = tmp_path / "kpt-bot.service"
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_bot_writes_is_where_the_unit_lets_it(tmp_path: Path) -> None:
    text = block_after("As a systemd unit")
    (folder,) = re.findall(r"^StateDirectory=(.+)$", text, re.MULTILINE)
    config = parse_config(EXAMPLE, "kpt.toml", tmp_path)
    written = [config.state, *(output.path for output in config.outputs if output.path is not None)]
    assert all(path.is_relative_to(Path("/var/lib", folder)) for path in written)
