"""signed-off: whoever wrote the patch has signed it off.

Why: no maintainer takes a patch without the developer's certificate of origin. Example: a patch made by git diff, sent
without a message. Source: Documentation/process/submitting-patches.rst ("Sign your work").
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.patch import trailers

ID = "signed-off"


def run(change: Change) -> Iterator[Finding]:
    """WARN for a message without a sign-off; SKIP for a patch without any message."""
    if not change.message.strip():
        yield Finding(ID, Status.SKIP, "the patch has no message")
    elif any(trailer.key.lower() == "signed-off-by" for trailer in trailers(change.message)) or (
        b"\nSigned-off-by:" in change.message
    ):
        yield Finding(ID, Status.PASS, "the patch is signed off")
    else:
        yield Finding(ID, Status.WARN, "nobody has signed the patch off", hint="git commit --amend --signoff")


CHECK = Check(ID, "the patch is signed off", run)
