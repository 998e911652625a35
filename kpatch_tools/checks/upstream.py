"""upstream-reference: a message that names its upstream commit names one that exists, with the same subject.

Why: stable trees live from `commit <sha> upstream.`; a wrong id there makes a fix look applied that is not.
Example: the id of the commit before in the log.
Source: Documentation/process/stable-kernel-rules.rst.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.subjects import same_subject
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.patch import upstream_reference

ID = "upstream-reference"


def run(change: Change) -> Iterator[Finding]:
    """One finding: SKIP without a reference or without the history to resolve it, else PASS or FAIL."""
    reference = upstream_reference(change.message)
    if reference is None:
        yield Finding(ID, Status.SKIP, "the message names no upstream commit")
        return
    commit = change.lookup(reference)
    subject = change.message.decode("utf-8", "replace").strip().partition("\n")[0]
    if commit is None:
        message = f"upstream commit {reference} is not in this repository"
        yield Finding(ID, Status.SKIP, message, hint="fetch the upstream history to have it checked")
    elif not same_subject(commit.subject, subject):
        message = f'upstream commit {reference} is "{commit.subject}", not "{subject}"'
        yield Finding(ID, Status.FAIL, message, hint="correct the id, or keep upstream's subject")
    else:
        yield Finding(ID, Status.PASS, f"upstream commit {reference} resolves and has this subject")


CHECK = Check(ID, "the upstream reference resolves and its subject matches", run)
