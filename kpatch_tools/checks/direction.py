"""unicode-direction: no new line holds characters that make it look other than it compiles.

Why: marks that turn the direction of writing, and letters without width, let a reviewer see code that the compiler does
not. Example: a comment that seems to end where the code goes on in it.
Source: CVE-2021-42574 ("Trojan Source"); Unicode Standard Annex 9.
"""

import re
from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import edits
from kpatch_tools.core.finding import Finding, Status

ID = "unicode-direction"
_MARKS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new line with such a character, in files of any kind; else PASS."""
    clean = True
    for edit in edits(change, suffixes=("",)):
        if not edit.after or edit.after.isascii():
            continue
        lines = edit.after.split(b"\n")
        for number in edit.added:
            marks = _MARKS.findall(lines[number - 1].decode("utf-8", "replace"))
            if marks:
                clean = False
                names = ", ".join(f"U+{ord(mark):04X}" for mark in dict.fromkeys(marks))
                yield Finding(ID, Status.FAIL, f"the line holds {names}, which nobody sees", edit.path, number)
    marks = _MARKS.findall(change.message.decode("utf-8", "replace"))
    if marks:
        clean = False
        names = ", ".join(f"U+{ord(mark):04X}" for mark in dict.fromkeys(marks))
        yield Finding(ID, Status.WARN, f"the message holds {names}, which nobody sees")
    if clean:
        yield Finding(ID, Status.PASS, "every new line looks as it compiles")


CHECK = Check(ID, "no new line looks other than it compiles", run)
