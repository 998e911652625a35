"""Tables, slots, the functions in them and the files those are put there in: as a graph for graphviz."""

from collections.abc import Iterator, Sequence

from kpatch_tools.hooks.tables.atlas import HookTable, Reference

from .platforms import platform_of


def format_dot(tables: Sequence[HookTable], *, title: str) -> str:
    """The graph in the dot language. A solid line goes to a default, a dashed one, named after the platform, to an
    override; a function's line leads to the file that puts it into the slot.
    """
    lines = [
        f"digraph {_quoted(title)} {{",
        "\trankdir=LR;",
        '\tnode [fontname="sans-serif", fontsize=10];',
        '\tedge [fontname="sans-serif", fontsize=8];',
        f"\tlabel={_quoted(title)};",
    ]
    body = dict.fromkeys(line for table in tables for line in _table(table))
    return "\n".join([*lines, *(f"\t{line}" for line in body), "}", ""])


def _table(table: HookTable) -> Iterator[str]:
    here = _node("table", table.name)
    yield f"{here} [label={_quoted(table.name, table.type)}, shape=box3d];"
    for slot in table.slots:
        name = f"{table.name}.{slot.path}"
        node = _node("slot", name)
        yield f"{node} [label={_quoted(slot.path)}, tooltip={_quoted(slot.signature)}, shape=box];"
        yield f"{here} -> {node};"
        for default in slot.defaults:
            yield from _reference(node, default, "")
        for override in slot.overrides:
            label = _quoted(platform_of(override, name))
            yield from _reference(node, override, f" [style=dashed, label={label}]")


def _reference(slot: str, reference: Reference, style: str) -> Iterator[str]:
    function = _node("function", reference.function)
    file = _node("file", reference.location.file)
    yield f"{function} [label={_quoted(reference.function)}, shape=ellipse];"
    yield f"{slot} -> {function}{style};"
    yield f"{file} [label={_quoted(reference.location.file)}, shape=note];"
    yield f"{function} -> {file} [color=gray50];"


def _node(kind: str, name: str) -> str:
    """Names of different kinds do not meet: a table may be called as a function is."""
    return _quoted(f"{kind} {name}")


def _quoted(*lines: str) -> str:
    r"""A quoted string; each of `lines` is a line of its own.

    >>> print(_quoted('say "\\n"', "twice"))
    "say \"\\n\"\ntwice"
    """
    # Undecodable bytes of a source have no place in a text that others read.
    safe = (line.encode("utf-8", "replace").decode() for line in lines)
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in safe) + '"'
