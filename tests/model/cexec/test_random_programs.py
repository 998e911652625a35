"""Random functions, compiled by gcc and translated by us: the results must agree."""

import os
import random
from collections.abc import Callable

import pytest

_TYPES = {
    "signed char": 1,
    "unsigned char": 1,
    "short": 2,
    "unsigned short": 2,
    "int": 4,
    "unsigned int": 4,
    "long": 8,
    "unsigned long": 8,
    "unsigned long long": 8,
    "_Bool": 1,
}
_PARAMETERS = dict(zip("abcdefghu", _TYPES, strict=False))
_VARIABLES = [*_PARAMETERS, "*p", "s.x", "s.y", "s.z", "s.w", "s.l", "arr[i & 3]", "p[(int)(k % 3) - 1]", "k", "i"]
_ASSIGNABLE = ["v", "w", "s.x", "s.y", "s.z", "s.w", "s.l", "arr[k & 3]", "*p", "k", "b"]
_OPERATORS = ["+", "-", "*", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=", "&&", "||"]
_HEADER = """
struct S { int x; unsigned short y; unsigned z : 5; int w : 7; unsigned long l : 44; };
typedef unsigned char T8;
typedef long T64;
static int number = 5;
static int five(void) { return number; }
static int *where(void) { return &number; }
static long mix(signed char a, unsigned short b, int c) { return a * 31 + b - c; }
static struct S turn(struct S s, int n) { s.x += n; s.z = s.y; return s; }
"""


class _Generator:
    """Functions of nine parameters that terminate and have no undefined behaviour beyond what -fwrapv defines."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def expression(self, depth: int) -> str:
        draw, pick = self.random.random(), self.random.choice
        if depth == 0 or draw < 0.12:
            return pick([*_VARIABLES, self.constant(), self.constant()])
        left, right = self.expression(depth - 1), self.expression(depth - 1)
        if draw < 0.5:
            return f"({left} {pick(_OPERATORS)} {right})"
        if draw < 0.6:
            return f"({left} {pick(['<<', '>>'])} {self.random.randrange(31)})"
        if draw < 0.66:
            return f"({left} {pick(['/', '%'])} {self.random.randrange(1, 50)})"
        if draw < 0.78:
            return f"(({pick(list(_TYPES))}){left})"
        if draw < 0.85:
            return f"({pick('~-!')}{left})"
        if draw < 0.9:
            return f"({left} ? {right} : {self.expression(depth - 1)})"
        if draw < 0.94:
            return f"({left} ?: {right})"
        if draw < 0.96:
            return self.chain(depth)
        if draw < 0.98:
            return f"mix({left}, {right}, {pick(_VARIABLES)})"
        return f"({{ {pick(['long', 'unsigned long', 'unsigned int', 'short'])} t_ = {left}; t_ + 1; }})"

    def chain(self, depth: int) -> str:
        """Operands joined without parentheses, many of them of a form that can be read as a cast or as a call."""
        pick = self.random.choice
        parts = []
        for _ in range(self.random.randrange(2, 5)):
            name, simple = pick(["a", "b", "c", "d", "e", "f", "g", "k", "i"]), self.expression(depth - 1)
            form = pick(
                ["(five())", "(five())", "(where())[0]", "*(where())", "(P * (P))", "(P)", "P", "(T8)(E)", "(T8) P"]
            )
            form = pick([form, form, "(T64)(s).x", "(T8)(p)[0]", "(T64)(T8)(E)", "(T64)E", "five()", "(T8)*p", "*p"])
            prefix = pick(["", "", "", "!", "- ", "~", "(T8) - ", "(T64) ~", "- !"])
            parts.append(prefix + form.replace("P", name).replace("E", simple))
        text = parts[0]
        for part in parts[1:]:
            text += f" {pick(['+', '-', '*', '&', '|', '^', '<', '==', '&&', '||', '&&'])} {part}"
        return f"({text})"

    def constant(self) -> str:
        draw = self.random.randrange(4)
        if draw == 0:
            return f"{self.random.randrange(1 << 31)}U"
        if draw == 1:
            return f"{self.random.randrange(200)}"
        return f"0x{self.random.randrange(1 << 63):x}UL" if draw == 2 else f"(-{self.random.randrange(90)})"

    def statement(self, depth: int) -> str:
        draw, pick = self.random.random(), self.random.choice
        if depth == 0 or draw < 0.35:
            return f"{pick(_ASSIGNABLE)} {pick(['=', '+=', '-=', '^=', '|=', '&=', '*='])} {self.expression(2)};"
        if draw < 0.42:
            return f"{pick(['v', 'w', 'k', 's.x', 's.z', 'arr[1]', '(*p)', 'b'])}{pick(['++', '--'])};"
        inner = " ".join(self.statement(depth - 1) for _ in range(self.random.randrange(1, 3)))
        other = self.statement(depth - 1)
        if draw < 0.58:
            return f"if ({self.expression(2)}) {{ {inner} }} else {{ {other} }}"
        if draw < 0.7:
            leave, counter = pick(["break;", "continue;", ""]), f"n{self.random.randrange(1 << 30)}"
            loop = f"for ({pick(['int', 'unsigned char', 'long'])} {counter} = 0; {counter} < 4; {counter}++)"
            return f"{loop} {{ i = {counter}; if ({self.expression(1)}) {{ {leave} }} {inner} }}"
        if draw < 0.8:
            label = f"l{self.random.randrange(1 << 30)}"
            return f"if ({self.expression(1)}) goto {label}; {inner} {label}: {other}"
        if draw < 0.93:
            fall = pick(["break;", ""])
            return (
                f"switch ({self.expression(1)} & 7) {{ case 0: {inner} {fall} case 1 ... 3: {other} break;"
                f" default: w++; {fall} case 6: v ^= 5; }}"
            )
        return f"s = turn(s, {self.expression(1)});"

    def function(self, name: str) -> str:
        parameters = ", ".join(f"{kind} {name}" for name, kind in _PARAMETERS.items())
        kind = self.random.choice(list(_TYPES)[4:9])
        body = " ".join(self.statement(3) for _ in range(4))
        return (
            f"unsigned long {name}({parameters})\n"
            "{ struct S s = { c, d, e, f, h }; int arr[4] = { 1, e, (int)a, 9 }, i = 2, *p = &arr[1];"
            f" unsigned k = b; signed char w = 1; {kind} v = {self.expression(3)};\n {body}\n"
            " return (unsigned long)v + w * 3 + i + k + s.x + s.y + s.z + s.w + s.l + arr[0] + arr[1] + arr[2] + arr[3]"
            " + b;"
            " }\n"
        )

    def arguments(self) -> list[int]:
        return [self.random.getrandbits(8 * _TYPES[kind]) for kind in _PARAMETERS.values()]


FUNCTIONS = int(os.environ.get("KPT_FUZZ_FUNCTIONS", "200"))
"""`make fuzz` asks for more than the short run that is always done."""


@pytest.mark.parametrize("seed", range(-(-FUNCTIONS // 250)))
def test_random_functions_agree_with_gcc(seed: int, disagreements: Callable[..., list[str]]) -> None:
    generator = _Generator(seed)
    functions = [generator.function(f"f{number}") for number in range(min(250, FUNCTIONS))]
    arguments = [[generator.arguments()] for _ in functions]
    assert disagreements(_HEADER, functions, list(_PARAMETERS.values()), arguments) == []
