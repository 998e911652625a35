"""The graph is in the dot language, whatever a source may say: it is parsed here by the language's grammar."""

import re
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.history.graph import format_dot
from kpatch_tools.hooks.tables.atlas import HookTable, Reference, Slot

TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*|-?\d+)|(->|[{}\[\]=;,]))')


@dataclass
class Graph:
    """`nodes`, `edges` and `attributes` as a reader of the language sees them; text with its escapes."""

    name: str = ""
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)


def parse_dot(text: str) -> Graph:
    """Reads `digraph ID { statements }`, of the grammar on graphviz's own page; AssertionError for anything else."""
    tokens, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        assert match, f"no token at {text[place : place + 40]!r}"
        tokens.append(match.group(0).strip())
        place = match.end()
    tokens.reverse()
    graph = Graph()

    def take(wanted: str | None = None) -> str:
        token = tokens.pop()
        assert wanted is None or token == wanted, f"{token} where {wanted} was expected"
        return token

    def name() -> str:
        token = take()
        assert token not in ("->", "{", "}", "[", "]", "=", ";", ","), f"{token} is no name"
        if not token.startswith('"'):
            assert token not in ("node", "edge", "graph", "digraph", "subgraph", "strict"), "a keyword needs quotes"
            return token
        return re.sub(r'\\(["\\])', r"\1", token[1:-1])

    def attributes() -> dict[str, str]:
        found = {}
        while tokens[-1] == "[":
            take("[")
            while tokens[-1] != "]":
                key = name()
                take("=")
                found[key] = name()
                if tokens[-1] == ",":
                    take(",")
            take("]")
        return found

    take("digraph")
    graph.name = name()
    take("{")
    while tokens[-1] != "}":
        if tokens[-1] in ("node", "edge", "graph"):
            take()
            attributes()
        else:
            first = name()
            if tokens[-1] == "=":
                take("=")
                graph.attributes[first] = name()
            elif tokens[-1] == "->":
                take("->")
                second = name()
                graph.edges.append((first, second, attributes()))
            else:
                graph.nodes[first] = attributes()
        take(";")
    take("}")
    assert not tokens
    return graph


def table_of(path: str, function: str, file: str = "arch/x86/a.c", override: str = "other") -> HookTable:
    place = Location(RepoPath(file), 1, None)
    slot = Slot(
        path,
        f"void (*{path})(void)",
        place,
        (Reference(function, place),),
        (Reference(override, Location(RepoPath("arch/x86/xen/b.c"), 2, "xen_setup")),),
        (),
        (),
    )
    return HookTable("ops", "struct ops", RepoPath(file), 1, place, (slot,))


def test_every_edge_is_between_nodes_that_have_a_label_and_a_shape():
    graph = parse_dot(format_dot([table_of("a.f", "native_f")], title="ops of v1"))
    assert graph.attributes["label"] == "ops of v1"
    assert {end for edge in graph.edges for end in edge[:2]} == set(graph.nodes)
    assert all({"label", "shape"} <= set(node) for node in graph.nodes.values())
    assert ("slot ops.a.f", "function native_f", {}) in graph.edges
    assert ("slot ops.a.f", "function other", {"style": "dashed", "label": "xen"}) in graph.edges


def test_a_table_and_a_function_of_one_name_are_two_nodes():
    graph = parse_dot(format_dot([table_of("f", "ops")], title="x"))
    assert {"table ops", "function ops", "slot ops.f"} <= set(graph.nodes)


@given(
    st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp"]), min_size=1),
    st.text(st.characters(exclude_characters="\0"), min_size=1),
)
def test_what_a_source_says_stays_inside_of_its_quotes(title, function):
    """An expression may stand for a function, with quotes, backslashes, line ends and bytes of no encoding in it."""
    graph = parse_dot(format_dot([table_of("f", function)], title=title))
    assert len(graph.nodes) == len({function, "other"}) + 4
    assert graph.name == title.encode("utf-8", "replace").decode()
