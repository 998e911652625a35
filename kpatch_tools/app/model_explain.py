"""Use case: one boot told in full, with and without a patch: what happens to memory, what fails, and why."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at, patched
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import Generated, Refusal, generate_hook, load_hook, probe_presence, remove_hook
from kpatch_tools.model import Layout, Translations, Verdict
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.history import History, record
from kpatch_tools.model.run import ModelRun, boot, deep_recursion, load_kernel
from kpatch_tools.model.smaller import Smallest, find_smallest
from kpatch_tools.patch import Patch
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class Side:
    """One version of the code: the revision, or the revision with the patch. `label` names it."""

    label: str
    history: History
    smallest: Smallest | None
    """None where the boot does not fail."""


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """`patch` names what was applied for the second side; None: there is one side."""

    revision: Revision
    layout: Layout
    patch: str | None
    sides: tuple[Side, ...]

    @property
    def exit(self) -> Exit:
        """Of the last side, which is the one asked about: DONE for OK, PERSON for a fault, else UNDETERMINED."""
        verdict = self.sides[-1].history.run.verdict
        if verdict is Verdict.OK:
            return Exit.DONE
        return Exit.UNDETERMINED if verdict in (Verdict.UNDETERMINED, Verdict.NOT_RUN) else Exit.PERSON


def explain(
    tree: KernelTree,
    revision: str,
    layout: Layout,
    *,
    patch: tuple[str, Patch] | None = None,
    hook: str | None = None,
    translations: Translations | None = None,
    progress: Callable[[str], None],
) -> ExplainReport:
    """Boot `revision` on `layout` and keep the history; with `patch` (its name and itself) or `hook`, both versions.

    Where the revision has the bundled `hook` already, the version without it is made in memory.
    Raises KpatchError "unknown-revision", "patch-does-not-apply", "unknown-hook", "cannot-generate", "cannot-remove",
    "bad-layout", and "unsupported-construct" for a tree that the model cannot load.
    """
    target = kernel_at(tree, revision)
    plain: BlobSource = tree.at(target)
    versions: list[tuple[str, BlobSource]] = [(target.spelled, plain)]
    name = None
    if patch is not None:
        name = patch[0]
        versions = [("without", plain), ("with", patched(plain, patch[1], revision))]
    elif hook is not None:
        name = hook
        versions = list(zip(("without", "with"), _around_hook(plain, hook, revision), strict=True))
    cache = LineCache()
    sides = []
    with deep_recursion():
        for label, source in versions:

            def say(text: str, label: str = label) -> None:
                progress(text if len(versions) == 1 else f"{label} {name}: {text}")

            say("reading the tree")
            sides.append(_side(label, _load(source, layout, cache, translations), layout, say))
    return ExplainReport(target, layout, name, tuple(sides))


def _load(source: BlobSource, layout: Layout, cache: LineCache, translations: Translations | None) -> Guest:
    try:
        return load_kernel(source, layout.image_end, cache=cache, translations=translations)
    except Unsupported as error:
        raise KpatchError("unsupported-construct", f"the tree cannot be loaded: {error}") from error


def _side(label: str, guest: Guest, layout: Layout, say: Callable[[str], None]) -> Side:
    history = record(guest, layout, say=say)
    fault = history.run.fault
    if fault is None:
        return Side(label, history, None)
    return Side(label, history, find_smallest(layout, fault, _booting(guest, say)))


def _booting(guest: Guest, say: Callable[[str], None]) -> Callable[[Layout], ModelRun]:
    def run(layout: Layout) -> ModelRun:
        say(f"looking for a smaller machine: {layout.name}")
        return boot(guest, layout)

    return run


def _around_hook(source: BlobSource, hook: str, revision: str) -> tuple[BlobSource, BlobSource]:
    """The tree without and with the hook, whichever of the two it is itself."""
    spec = load_hook(hook)
    if probe_presence(source, spec).state == "present":
        removed = remove_hook(source, spec)
        if removed is None:
            raise KpatchError(
                "cannot-remove",
                f"{revision} has {spec.path}, and its parts cannot be taken out",
                hint="name the commit with --with",
            )
        return Overlay(source, removed), source
    match generate_hook(source, spec):
        case Refusal(lacks=lacks):
            reasons = "; ".join(lack.message for lack in lacks)
            raise KpatchError(
                "cannot-generate", f"{hook} has no place in {revision}: {reasons}", hint=f"kpt generate {hook} explains"
            )
        case Generated() as generated:
            return source, Overlay(source, generated.changes)
