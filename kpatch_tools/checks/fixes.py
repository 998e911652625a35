"""fixes-resolve: every `Fixes:` line names a commit that exists, with its subject.

Why: stable maintainers and bots decide by this line where a fix must go; a wrong id sends it nowhere.
Example: the id of a commit in somebody's own tree that was rebased later.
Source: Documentation/process/submitting-patches.rst.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.subjects import same_subject
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.patch import fixes

ID = "fixes-resolve"
_FEWEST_DIGITS = 12


def run(change: Change) -> Iterator[Finding]:
    """One finding for each line: WARN where the subject is another's or digits are few; SKIP where there is none."""
    named = fixes(change.message)
    if not named:
        yield Finding(ID, Status.SKIP, "the message names no commit that it fixes")
    for one in named:
        commit = change.lookup(one.commit)
        if commit is None:
            yield Finding(ID, Status.SKIP, f"fixed commit {one.commit} is not in this repository")
        elif one.subject is not None and not same_subject(commit.subject, one.subject):
            message = f'fixed commit {one.commit} is "{commit.subject}", not "{one.subject}"'
            yield Finding(ID, Status.WARN, message, hint=f'Fixes: {commit.oid[:12]} ("{commit.subject}")')
        elif len(one.commit) < _FEWEST_DIGITS:
            message = (
                f"Fixes: names {one.commit} with fewer than {_FEWEST_DIGITS} digits, which may mean another some day"
            )
            yield Finding(ID, Status.WARN, message, hint=f'Fixes: {commit.oid[:12]} ("{commit.subject}")')
        else:
            yield Finding(ID, Status.PASS, f"fixed commit {one.commit} resolves and has this subject")


CHECK = Check(ID, "every Fixes: line resolves and its subject matches", run)
