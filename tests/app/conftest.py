"""A real browser for the pages that use cases make."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on PATH and none named in CHROMIUM: the page is not looked at")
    return found


@pytest.fixture
def browse(chromium: str, tmp_path: Path) -> Callable[..., bytes]:
    """`browse(text, *flags)` opens the page, cut off from any network; what it writes to standard output.

    Scripts do not run unless `scripts` says so: the profile forbids them, as a user would.
    """

    def run(text: str, *flags: str, scripts: bool = False) -> bytes:
        profile = tmp_path / ("profile-scripts" if scripts else "profile")
        (profile / "Default").mkdir(parents=True, exist_ok=True)
        preferences = {"profile": {"default_content_setting_values": {"javascript": 1 if scripts else 2}}}
        (profile / "Default" / "Preferences").write_text(json.dumps(preferences))
        file = tmp_path / "page.html"
        file.write_text(text)
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server=127.0.0.1:9",
            *flags,
            file.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return done.stdout

    return run
