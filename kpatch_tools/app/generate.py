"""Use case: write a hook's complete patch for a revision."""

from collections.abc import Mapping
from dataclasses import dataclass

from kpatch_tools.app.checking import check_changes
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.generate import Generated, Refusal, generate_hook
from kpatch_tools.hooks.patches.inline import generate_inline
from kpatch_tools.hooks.patches.presence import probe_presence
from kpatch_tools.hooks.patches.spec import load_hook
from kpatch_tools.hooks.patches.written import Step
from kpatch_tools.patch import Patch, Person, diff_sources, format_date
from kpatch_tools.tree import KernelTree, Revision, Signature


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """`patches` are in order, each on top of the one before; `findings` are what the checks say of their sum."""

    revision: Revision
    generated: Generated
    patches: tuple[Patch, ...]
    findings: tuple[Finding, ...]


INLINE = "inline"
"""The alternative to a hook: generic code asks for the platform itself. Written to be compared with the hook."""


def generate(
    tree: KernelTree,
    hook: str,
    revision: str,
    *,
    author: Signature,
    split: bool = False,
    signoff: bool = False,
    alternative: str | None = None,
) -> GenerateReport:
    """Write the bundled `hook` for the tree at `revision`, by `author` at that signature's moment.

    With an `alternative` (INLINE) that is written in the hook's place, in one patch.

    Raises KpatchError "unknown-hook", "unknown-revision", "hook-present" where the tree has it already,
    "cannot-generate" with every reason where a part has no place.
    """
    spec = load_hook(hook)
    target = kernel_at(tree, revision)
    source = tree.at(target)
    presence = probe_presence(source, spec)
    if presence.state != "absent":
        raise KpatchError(
            "hook-present",
            f"{revision} has {spec.path} already" + ("" if presence.state == "present" else ", in part"),
            hint=f"kpt backport --to {revision} says which part is missing and what that means",
        )
    written = generate_inline(source, spec) if alternative == INLINE else generate_hook(source, spec, split=split)
    match written:
        case Refusal(lacks=lacks):
            reasons = "; ".join(lack.message for lack in lacks)
            raise KpatchError(
                "cannot-generate", f"{spec.path} has no place in {revision}: {reasons}", hint="kpt backport explains"
            )
        case Generated() as generated:
            patches = step_patches(source, generated.steps, author=author, signoff=signoff)
            findings = check_changes(tree, source, generated.changes, generated.messages[0])
            return GenerateReport(target, generated, patches, findings)


def step_patches(source: BlobSource, steps: tuple[Step, ...], *, author: Signature, signoff: bool) -> tuple[Patch, ...]:
    """The steps as patches, each against the tree with the earlier ones applied."""
    done: Mapping[RepoPath, bytes | None] = {}
    patches = []
    for step in steps:
        message = step.message
        if signoff:
            message = message.rstrip(b"\n") + f"\n\nSigned-off-by: {author.name} <{author.email}>\n".encode()
        patches.append(
            Patch(
                files=diff_sources(Overlay(source, done), step.changes),
                message=message,
                subject=message.decode("utf-8", "surrogateescape").partition("\n")[0],
                author=Person(author.name, author.email),
                date=format_date(author.when, author.offset),
            )
        )
        done = {**done, **step.changes}
    return tuple(patches)
