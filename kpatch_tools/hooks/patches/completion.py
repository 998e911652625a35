"""A patch that brings only some of a hook: what it leaves undefined, and the whole hook instead."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.core.span import Location
from kpatch_tools.patch import FileDiff, Patch, Reject, apply_patch
from kpatch_tools.syntax import Node, ParsedFile, descend, enclosing_function_node, line_of, name_of

from .anatomy import find_member
from .generate import Generated, Refusal, write_hook
from .lookup import declaration_of
from .parts import HookPart
from .presence import Part, Presence, read_presence
from .reading import Files
from .shapes import path_of
from .site import local_names
from .spec import HOOKS, HookSpec, load_hook
from .written import Upstream


@dataclass(frozen=True, slots=True)
class Undefined:
    """A name (or a member, spelled `x86_init.mapping`) that the patch uses and nothing declares once it is applied."""

    name: str
    where: Location


@dataclass(frozen=True, slots=True)
class Completion:
    """How a patch and a hook compare on one target.

    `brought`: parts that the target has with the patch and had not without it. `missing`: those it still lacks.
    `rejects`: what of the patch does not apply as text (then `undefined` is about the rest). `whole`: the generated
    hook, complete, in place of the patch.
    """

    spec: HookSpec
    brought: tuple[HookPart, ...]
    missing: tuple[Part, ...]
    undefined: tuple[Undefined, ...]
    rejects: tuple[Reject, ...]
    whole: Generated | Refusal

    @property
    def complete(self) -> bool:
        """Whether the patch brings the hook and leaves nothing open."""
        return not (self.missing or self.undefined or self.rejects)


def recognise_hook(patch: Patch) -> HookSpec | None:
    """The bundled hook that a patch is about: it adds a use of its slot or one of its functions; None if none."""
    added = [line.text for file in patch.files for hunk in file.hunks for line in hunk.lines if line.kind == "+"]
    for name in HOOKS:
        spec = load_hook(name)
        words = [word.encode() for word in (spec.path, spec.default, spec.override)]
        if any(word in text for text in added for word in words):
            return spec
    return None


def complete_hook(
    patch: Patch, source: BlobSource, *, spec: HookSpec | None = None, upstream: Upstream | None = None
) -> Completion | None:
    """Compare a patch with the hook it is about, on `source`; None where it is about no hook that kpt knows."""
    spec = spec if spec is not None else recognise_hook(patch)
    if spec is None:
        return None
    result = apply_patch(patch.files, source)
    unpatched, patched = Files(source), Files(Overlay(source, result.changes))
    before, after = read_presence(unpatched, spec), read_presence(patched, spec)
    return Completion(
        spec=spec,
        brought=tuple(_brought(before, after)),
        missing=after.missing,
        undefined=tuple(_undefined(patched, spec, patch.files)),
        rejects=result.rejects,
        whole=write_hook(unpatched, spec, upstream=upstream),
    )


def _brought(before: Presence, after: Presence) -> Iterator[HookPart]:
    had = {part.name for part in before.parts if part.where is not None}
    return (part.name for part in after.parts if part.where is not None and part.name not in had)


def _undefined(files: Files, spec: HookSpec, changed: tuple[FileDiff, ...]) -> Iterator[Undefined]:
    """Names in added lines of C files that neither the file, nor a header it sees, nor the function itself declares."""
    said: set[str] = set()
    has_member = find_member(files, spec) is not None
    for file in changed:
        path = file.new_path
        parsed = files.parsed(path) if path is not None and path.endswith(".c") else None
        if path is None or parsed is None:
            continue
        for node in _added(parsed, file):
            for name in _missing_names(files, spec, path, node, has_member):
                if name not in said:
                    said.add(name)
                    yield Undefined(name, files.location(path, node))


def _added(parsed: ParsedFile, file: FileDiff) -> Iterator[Node]:
    """The names, and paths of members, on lines that the patch adds (as far as its line numbers hold)."""
    added = {line.text.strip() for hunk in file.hunks for line in hunk.lines if line.kind == "+" and line.text.strip()}
    lines = parsed.source.split(b"\n")
    for node in descend(parsed.root):
        if node.type not in ("identifier", "field_expression"):
            continue
        if lines[line_of(node) - 1].strip() in added:
            yield node


def _missing_names(files: Files, spec: HookSpec, path: RepoPath, node: Node, has_member: bool) -> Iterator[str]:
    if node.type == "field_expression":
        slot = path_of(node)
        member = f"{spec.table}.{spec.member}"
        if slot is not None and (slot + ".").startswith(member + ".") and not has_member:
            yield member
        return
    name = name_of(node)
    if not _is_local(node, name) and declaration_of(files, path, name) is None:
        yield name


def _is_local(node: Node, name: str) -> bool:
    """Whether the function around `node` has a parameter, variable or label of that name, or is itself called so."""
    function = enclosing_function_node(node)
    if function is None:
        return False
    declarator = function.child_by_field_name("declarator")
    own = declarator is not None and any(
        one.type == "identifier" and name_of(one) == name for one in descend(declarator)
    )
    return own or name in local_names(function)
