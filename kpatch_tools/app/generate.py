"""Use case: write a hook's complete patch for a revision."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.checking import check_changes
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.described.catalogue import described_hooks, load_description, read_description
from kpatch_tools.hooks.patches.described.generate import generate_described
from kpatch_tools.hooks.patches.described.presence import probe_described
from kpatch_tools.hooks.patches.description import HookDescription
from kpatch_tools.hooks.patches.generate import generate_hook
from kpatch_tools.hooks.patches.inline import generate_inline
from kpatch_tools.hooks.patches.presence import Presence, probe_presence
from kpatch_tools.hooks.patches.spec import HookSpec
from kpatch_tools.hooks.patches.written import Refused, Step, Written
from kpatch_tools.patch import Patch, Person, diff_sources, format_date
from kpatch_tools.tree import KernelTree, Revision, Signature


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """`patches` are in order, each on top of the one before; `findings` are what the checks say of their sum."""

    revision: Revision
    generated: Written
    patches: tuple[Patch, ...]
    findings: tuple[Finding, ...]


INLINE = "inline"
"""The alternative to a hook: generic code asks for the platform itself. Written to be compared with the hook."""


def list_hooks() -> tuple[HookDescription, ...]:
    """The hooks that generate() knows by name, sorted by it."""
    return tuple(map(load_description, described_hooks()))


def generate(
    tree: KernelTree,
    hook: str | Path,
    revision: str,
    *,
    author: Signature,
    split: bool = False,
    signoff: bool = False,
    alternative: str | None = None,
) -> GenerateReport:
    """Write a `hook` for the tree at `revision`, by `author` at that signature's moment.

    The hook is a bundled one by its name, or a description of one's own by its file. With an `alternative` (INLINE)
    that is written in the hook's place, in one patch.

    Raises KpatchError "unknown-hook", "unreadable-file", "malformed-hook" and "malformed-template" for a description
    that cannot be used, "unknown-revision", "hook-present" where the tree has it already, "cannot-generate" with every
    reason where a part has no place, and "no-such-form" for a split or an alternative that the hook has not.
    """
    description = read_description(hook) if isinstance(hook, Path) else load_description(hook)
    if not description.probing and (split or alternative is not None):
        asked = "in steps" if split else "as an alternative"
        raise KpatchError("no-such-form", f"{description.name} cannot be written {asked}: nothing describes that")
    target = kernel_at(tree, revision)
    source = tree.at(target)
    presence = _presence(source, description)
    if presence.state != "absent":
        raise KpatchError(
            "hook-present",
            f"{revision} has {description.path} already" + ("" if presence.state == "present" else ", in part"),
            hint=_hint_where_present(description, presence, revision),
        )
    match _write(source, description, split=split, alternative=alternative):
        case Written() as written:
            patches = step_patches(source, written.steps, author=author, signoff=signoff)
            findings = check_changes(tree, source, written.changes, written.messages[0])
            return GenerateReport(target, written, patches, findings)
        case Refused(lacks=lacks):
            reasons = "; ".join(lack.message for lack in lacks)
            raise KpatchError(
                "cannot-generate",
                f"{description.path} has no place in {revision}: {reasons}",
                hint="kpt backport explains"
                if description.probing
                else "adapt a copy of the description to this tree, and give it with --hook FILE.toml",
            )


def _presence(source: BlobSource, hook: HookDescription) -> Presence:
    return probe_presence(source, HookSpec(hook)) if hook.probing else probe_described(source, hook)


def _hint_where_present(hook: HookDescription, presence: Presence, revision: str) -> str:
    if hook.probing:
        return f"kpt backport --to {revision} says which part is missing and what that means"
    missing = [f"{part.name}{f' ({part.note})' if part.note else ''}" for part in presence.missing]
    return f"not there, or not as the description says: {', '.join(missing)}" if missing else ""


def _write(source: BlobSource, hook: HookDescription, *, split: bool, alternative: str | None) -> Written | Refused:
    if not hook.probing:
        return generate_described(source, hook)
    if alternative == INLINE:
        return generate_inline(source, HookSpec(hook))
    return generate_hook(source, HookSpec(hook), split=split)


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
