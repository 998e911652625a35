"""layering: generic code leaves what a platform does to the platform's hooks.

Why: a hook table is there so that code for every machine need not know any of them. `if (xen_pv_domain())` in
init_memory_mapping works as well as a slot that Xen fills; the next platform then adds an `else if`, each configuration
compiles another function, and nobody sees in the table what a platform changes. That is a judgement about design, so
the status is WARN: a maintainer wants to be told, and may have reasons.
Example: a new line in arch/x86/mm/init.c that calls xen_pv_domain(), or a function of arch/x86/xen. Source: which
words are platforms is read from the tree: see `platforms`. Not seen: a platform that fills no slot yet, or whose
functions do not carry its name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.lines import Edit, edits, parse
from kpatch_tools.checks.platforms import Overrides, overriding_platforms, tokens
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.syntax import Node, ancestors, descend, enclosing_function, line_of, name_of

ID = "layering"

GENERIC = ("arch/x86/kernel/", "arch/x86/mm/")
"""Where code for every machine stands. A platform may have files of its own there: they carry its name."""

_CONDITIONS = {
    "if_statement": "condition",
    "while_statement": "condition",
    "do_statement": "condition",
    "for_statement": "condition",
    "conditional_expression": "condition",
    "switch_statement": "condition",
}


def run(change: Change) -> Iterator[Finding]:
    """A WARN for each function of a platform that new lines of generic code call.

    A function that did things for the platform before, as setup_arch() does for EFI, may do one more; that it decides
    something more for it is new.
    """
    touched = edits(change)
    generic = any(edit.path.startswith(GENERIC) for edit in touched)
    calls = list(_new_calls(touched)) if generic else []
    if not calls:
        yield Finding(ID, Status.SKIP, "the patch adds no call to generic architecture code")
        return
    platforms = overriding_platforms(change)
    found = False
    for edit, call in calls:
        platform = _platform_of(_called(call), edit, platforms)
        if platform is not None and (_is_condition(call) or not _knew(edit, enclosing_function(call), platform)):
            found = True
            yield _finding(edit, call, platforms[platform], platform)
    if not found:
        yield Finding(ID, Status.PASS, "generic code calls nothing that belongs to one platform")


def _new_calls(touched: Sequence[Edit]) -> Iterator[tuple[Edit, Node]]:
    """Calls by name in changed lines of generic code, more of them than their function had before.

    What was moved, within its function or with it to another file, re-indented or wrapped anew, is not new: the layers
    were mixed before.
    """
    calls = [(edit, call) for edit in touched for call in _calls(edit.after or b"")]
    before = Counter(_key(call) for edit in touched for call in _calls(edit.before or b""))
    before.subtract(_key(call) for edit, call in calls if line_of(call) not in edit.added)
    for edit, call in calls:
        if line_of(call) in edit.added:
            before[_key(call)] -= 1
            if before[_key(call)] < 0 and edit.path.endswith(".c") and edit.path.startswith(GENERIC):
                yield edit, call


def _calls(code: bytes) -> Iterator[Node]:
    """Every call by name, in order."""
    for node in descend(parse(code).root):
        if node.type == "call_expression" and _called(node):
            yield node


def _key(call: Node) -> tuple[str | None, str]:
    return enclosing_function(call), _called(call)


def _called(call: Node) -> str:
    """The name called; empty for a call through a pointer or a member."""
    function = call.child_by_field_name("function")
    return name_of(function) if function is not None and function.type == "identifier" else ""


def _platform_of(name: str, edit: Edit, platforms: Mapping[str, Overrides]) -> str | None:
    """The platform whose word is among those of `name`, unless the file is the platform's own."""
    words = tokens(name)
    for word in platforms:
        if _has(words, tokens(word)) and not _own_file(word, edit.path):
            return word
    return None


def _knew(edit: Edit, function: str | None, platform: str) -> bool:
    """Whether the function called something of the platform's before the change."""
    parts = tokens(platform)
    return any(
        _has(tokens(_called(call)), parts)
        for call in _calls(edit.before or b"")
        if function is not None and enclosing_function(call) == function
    )


def _has(words: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return any(words[at : at + len(parts)] == parts for at in range(len(words)))


def _own_file(word: str, path: str) -> bool:
    """Whether a folder or the file carries the platform's word, as xen/mmu.c and kvmclock.c do."""
    if word in tokens(path):
        return True
    return any(part.startswith(word) for part in tokens(path.rpartition("/")[2])) and len(word) > 2


def _finding(edit: Edit, call: Node, overrides: Overrides, platform: str) -> Finding:
    function = enclosing_function(call) or edit.path
    name = _called(call)
    asks = _is_condition(call)
    does = f"asks {name}()" if asks else f"calls {name}()"
    why = (
        f"generic code {'decides for' if asks else 'knows'} {platform}, which has hooks for that: "
        f"it fills {overrides.example} in {overrides.file}"
    )
    return Finding(
        ID,
        Status.WARN,
        f"{function}() {does}: {why}",
        edit.path,
        line_of(call),
        hint=f"call a slot of {overrides.table} whose default is what every machine does, and let {platform} fill it",
    )


def _is_condition(call: Node) -> bool:
    """Whether the call decides what is executed."""
    inner = call
    for outer in ancestors(call):
        field = _CONDITIONS.get(outer.type)
        if field is not None and outer.child_by_field_name(field) == inner:
            return True
        if outer.type in ("compound_statement", "function_definition"):
            return False
        inner = outer
    return False


CHECK = Check(ID, "generic code leaves a platform's work to its hooks", run)
