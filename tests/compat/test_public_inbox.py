"""An archive that public-inbox itself made, read as a source of letters."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kpatch_tools.review.sources import is_public_inbox, letters_of_folder, letters_of_inbox
from kpatch_tools.review.threads import find_submissions

PATCH = """\
From: Ann Author <ann@kernel.example>
To: list@kernel.example
Date: Mon, 02 May 2011 10:00:0{number} +0000
Subject: [PATCH {number}/2] one: change {number}
Message-ID: <{number}@kernel.example>
{parent}
Because.

Signed-off-by: Ann Author <ann@kernel.example>
---
 drivers/one{number}.c | 1 +

diff --git a/drivers/one{number}.c b/drivers/one{number}.c
new file mode 100644
index 000000000000..1234567890ab
--- /dev/null
+++ b/drivers/one{number}.c
@@ -0,0 +1 @@
+int one{number};
"""


def test_letters_in_the_order_in_which_they_arrived(tmp_path: Path) -> None:
    if shutil.which("public-inbox-init") is None or shutil.which("public-inbox-mda") is None:
        pytest.skip("public-inbox is not installed")
    config = tmp_path / "config"
    config.write_text("[publicinboxmda]\n\tspamcheck = none\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PI_CONFIG": str(config),
        "PI_EMERGENCY": str(tmp_path / "emergency"),
        "ORIGINAL_RECIPIENT": "list@kernel.example",
    }
    archive = tmp_path / "list"

    def run(*command: str, stdin: str = "") -> None:
        subprocess.run(command, env=environment, input=stdin, text=True, check=True, capture_output=True, cwd=tmp_path)

    run("public-inbox-init", "-V2", "list", str(archive), "http://127.0.0.1/list", "list@kernel.example")
    for number in (1, 2):
        parent = "In-Reply-To: <1@kernel.example>\nReferences: <1@kernel.example>\n" if number == 2 else ""
        run("public-inbox-mda", "--no-precheck", stdin=PATCH.format(number=number, parent=parent))
    assert is_public_inbox(archive)
    (submission,), skipped = find_submissions(letters_of_folder(archive))
    assert [sent.envelope.message_id for sent in submission.patches] == ["1@kernel.example", "2@kernel.example"]
    assert skipped == ()
    first, _ = letters_of_inbox(archive)
    assert [letter.data for _, letter in letters_of_inbox(archive, frozenset({first[0]}))] != []
    assert len(list(letters_of_inbox(archive, frozenset({first[0]})))) == 1
