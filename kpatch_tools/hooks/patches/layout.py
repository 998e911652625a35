"""Text as kernel files lay it out: tabs, columns, wrapped prose."""

import textwrap

TAB = 8
WIDTH = 80


def column(text: str) -> int:
    """Where a line that begins with `text` goes on, 0-based, in columns of a tab-aware editor.

    >>> column("\\tab"), column("abc\\t")
    (10, 8)
    """
    return len(text.expandtabs(TAB))


def padded(text: str, to: int) -> str:
    """`text` and the tabs that reach column `to`; at least one.

    >>> padded(".a", 24), padded(".a_very_long_name_of_a_slot", 24)
    ('.a\\t\\t\\t', '.a_very_long_name_of_a_slot\\t')
    """
    out = text + "\t"
    while column(out) < to:
        out += "\t"
    return out


def prose(text: str, *, width: int = 72) -> str:
    """Paragraphs refilled to `width`; the first line is a paragraph of its own and never broken."""
    first, _, rest = text.strip("\n").partition("\n")
    filled = [
        textwrap.fill(" ".join(paragraph.split()), width, break_long_words=False, break_on_hyphens=False)
        for paragraph in rest.split("\n\n")
        if paragraph.strip()
    ]
    return "\n\n".join([first, *filled]) + "\n"


def comment(text: str, indent: str) -> str:
    """A block comment in kernel style, every line indented by `indent`, ending in a newline."""
    width = WIDTH - column(indent) - 3
    lines = textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{indent}{line}\n" for line in ("/*", *(f" * {one}" for one in lines), " */"))


def call(name: str, arguments: tuple[str, ...], indent: str) -> str:
    """A call as it stands after `indent`, without the semicolon; arguments wrap below the statement, two tabs in."""
    flat = f"{name}({', '.join(arguments)})"
    if column(indent + flat) + 1 <= WIDTH:
        return flat
    lines = [f"{name}({arguments[0]}"]
    for one in arguments[1:]:
        if column(indent + lines[-1]) + len(one) + 4 <= WIDTH:
            lines[-1] += f", {one}"
        else:
            lines[-1] += ","
            lines.append(f"\t\t{one}")
    return f"\n{indent}".join(lines) + ")"
