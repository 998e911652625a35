"""Random functions on objects of every kind, compiled by gcc and translated by us: the results must agree.

Where `test_random_programs` is about expressions of integers, this is about what they stand in and for: records with
bit-fields and unions, arrays, pointers into them, initialisers, function pointers, recursion, and every kind of jump.
"""
# ruff: noqa: E501 - a line of C is one line

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

INTEGERS = (
    "signed char", "unsigned char", "char", "short", "unsigned short", "int", "unsigned int", "unsigned", "long",
    "unsigned long", "long long", "unsigned long long", "_Bool", "enum plain", "enum negative",
)  # fmt: skip
SIZES = (1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 1, 4, 4)
PARAMETERS = tuple(zip("abcdefgh", ("signed char", "_Bool", "unsigned short", "int", "unsigned", "long",
                                    "unsigned long", "short"), strict=True))  # fmt: skip
BITS = {"unsigned": 32, "int": 32, "unsigned short": 16, "signed char": 8, "unsigned long": 64, "long": 64, "_Bool": 1}
BINARY = ("+", "-", "*", "&", "|", "^", "+", "-", "<", ">", "<=", ">=", "==", "!=", "&&", "||")
ASSIGNING = ("=", "=", "+=", "-=", "*=", "^=", "|=", "&=")

HEADER = """
enum plain { P0, P1, P9 = 9, P10, PBIG = 0xfffffff0 };
enum negative { N5 = -5, N4, N0 = 0, N7 = 7, };
typedef unsigned char T8;
typedef long T64;
typedef int row_t[3];
void *memset(void *, int, unsigned long);
void *memcpy(void *, const void *, unsigned long);
void *memmove(void *, const void *, unsigned long);
int memcmp(const void *, const void *, unsigned long);
static int ga[4], gside;
static unsigned short gs[2][3];
static row_t grows[2];
static const signed char table[] = { [2] = -3, 4, [0] = 7, [5 ... 7] = 0x55 };
static const char *const words[] = { "zero", "one" "!", [3] = "\\x7f\\0z" };
static const struct { unsigned char kind : 3, : 2, flag : 1; short v[2]; } known[] = {
\t[1] = { .v = { [1] = -9, }, .kind = 5 }, { 1, 1, { 2, 3 } }, [0].v[0] = 77, [0].flag = 1,
};
static long add(int x, unsigned short y) { return (long)x + y; }
static long sub(int x, unsigned short y) { return x - (long)y * 3; }
static long twice(int x, unsigned short y) { static unsigned calls; calls += 2; return x ^ y ^ (calls & 0); }
static long (*const functions[3])(int, unsigned short) = { add, &sub, [2] = twice };
struct ops { const char *name; long (*op)(int, unsigned short); int bias; };
static struct ops op_table[2] = { { "a", add, -1 }, { .op = sub, .bias = 3, .name = "b" } };
static void setup(void)
{
\tint i;
\tfor (i = 0; i < 4; i++)
\t\tga[i] = i * 1000 - 7;
\tfor (gside = 0; gside < 6; gside++)
\t\tgs[gside / 3][gside % 3] = 60000 + gside * 3000, grows[gside & 1][gside >> 1] = -gside;
}
"""


@dataclass(frozen=True)
class Record:
    """A generated struct: what its declaration says, and the paths of the scalars in it (`@` stands for an index)."""

    tag: str
    text: str
    leaves: tuple[tuple[str, int], ...]
    """Path behind the object, and the length of the array in it (0: no array)."""
    plain: tuple[str, ...]
    """Paths of members that are no bit-fields."""


class Generator:
    """Functions that terminate and have no behaviour that gcc -fwrapv leaves undefined or in an unspecified order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.number = 0
        self.used: set[str] = set()
        self.records = [self.record(f"R{number}", number > 0) for number in range(3)]
        self.record_of = dict(zip(("r", "q", "z"), self.records, strict=True))
        self.extra: list[str] = []

    def name(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    # Types

    def record(self, tag: str, nested: bool) -> Record:
        members, leaves, plain = [], [], []
        for number in range(self.random.randrange(3, 8)):
            name, draw = f"m{number}", self.random.random()
            if draw < 0.35:
                kind = self.pick(list(BITS))
                width = self.random.randrange(1, BITS[kind] + 1)
                members.append(f"{kind} {name} : {width};")
                if self.random.random() < 0.15:
                    members.append(f"{self.pick(['unsigned', 'long', 'char'])} : {self.pick([0, 0, 3])};")
                leaves.append((name, 0))
            elif draw < 0.6:
                members.append(f"{self.pick(INTEGERS)} {name};")
                leaves.append((name, 0))
                plain.append(name)
            elif draw < 0.75:
                length = self.random.randrange(1, 5)
                members.append(f"{self.pick(INTEGERS)} {name}[{length}];")
                leaves.append((f"{name}[@]", length))
            elif draw < 0.87:
                inner = self.pick(["short a; unsigned b : 11; _Bool t;", "unsigned char a; long b : 35; int t : 3;"])
                anonymous = self.random.random() < 0.4 and not any("struct { " in text for text in members)
                members.append(f"struct {{ {inner} }}{'' if anonymous else ' ' + name};")
                leaves += [(part if anonymous else f"{name}.{part}", 0) for part in "abt"]
            elif nested and draw < 0.92:
                members.append(f"struct R0 {name}, *{name}_p;")
                leaves.append((f"{name}.first", 0))
            else:
                inner = (
                    "unsigned long q; unsigned w[2]; short s[4]; unsigned char y[8]; struct { unsigned i : 3, j : 17; "
                )
                members.append(f"union {{ {inner}int k : 9; }}; }} {name};")
                leaves += [(f"{name}.{part}", 0) for part in ("q", "i", "j", "k")]
                leaves += [(f"{name}.w[@]", 2), (f"{name}.s[@]", 4), (f"{name}.y[@]", 8)]
        members.insert(self.random.randrange(len(members) + 1), "unsigned first;")
        leaves.append(("first", 0))
        plain.append("first")
        attribute = self.pick(["", "", "", " __attribute__((packed))", " __attribute__((aligned(16)))"])
        if any(":" in text for text in members):
            attribute = ""
        return Record(tag, f"struct {tag} {{ {' '.join(members)} }}{attribute};\n", tuple(leaves), tuple(plain))

    # Expressions

    def leaf(self, depth: int) -> str:
        """A scalar inside a record, reached in one of many ways."""
        letter = self.pick(list(self.record_of))
        path, length = self.pick(self.record_of[letter].leaves)
        if length:
            path = path.replace("@", self.index(length, depth))
        if letter == "r":
            return self.pick([f"r.{path}", f"(&r)->{path}", f"pr->{path}", f"(*pr).{path}"])
        if letter == "q":
            place = self.index(2, depth)
            return self.pick([f"qs[{place}].{path}", f"pq[{place} - 1].{path}", f"(pq - 1 + {place})->{path}"])
        return self.pick([f"z.{path}", f"(*&z).{path}"])

    def index(self, length: int, depth: int) -> str:
        if length == 1 or self.random.random() < 0.4:
            return str(self.random.randrange(length))
        inner = self.expression(min(depth - 1, 1))
        return (
            f"((int)({inner}) & {length - 1})" if length & length - 1 == 0 else f"(int)((unsigned)({inner}) % {length})"
        )

    def atom(self, depth: int) -> str:
        draw = self.random.random()
        if draw < 0.35:
            return self.pick([*"abcdefghvukt"])
        if draw < 0.55:
            return self.leaf(depth)
        if draw < 0.7:
            return self.constant()
        index = self.index
        return self.pick(
            [
                lambda: f"arr[{index(4, depth)}]", lambda: f"p[{index(3, depth)} - 1]", lambda: "*p",
                lambda: f"ga[{index(4, depth)}]", lambda: f"gs[{index(2, depth)}][{index(3, depth)}]",
                lambda: f"(*pa)[{index(3, depth)}]", lambda: f"pa[{index(2, depth)} - 1][{index(3, depth)}]",
                lambda: f"table[{index(8, depth)}]", lambda: f"words[{index(2, depth)}][{index(4, depth)}]",
                lambda: f"({index(3, depth)})[\"x\\xf0\\0\"]", lambda: f"known[{index(3, depth)}].v[{index(2, depth)}]",
                lambda: f"known[{index(3, depth)}].kind", lambda: f"buf[{index(6, depth)}]", lambda: "**pp",
                lambda: f"grows[{index(2, depth)}][{index(3, depth)}]", lambda: "vol", lambda: "se",
                lambda: f"((T8 *)&{self.pick(['v', 'u', 'k'])})[{index(1, depth)}]",
                lambda: f"((unsigned char *)arr)[{index(16, depth)}]", lambda: f"op_table[{index(2, depth)}].bias",
            ]
        )()  # fmt: skip

    def constant(self) -> str:
        number = self.random.randrange
        return self.pick(
            [
                lambda: str(number(300)), lambda: f"(-{number(90)})", lambda: f"0x{number(1 << 32):x}",
                lambda: f"{number(1 << 33)}", lambda: f"0x{number(1 << 64):x}UL", lambda: f"{number(1 << 31)}U",
                lambda: f"0{number(1 << 32):o}", lambda: f"{number(1 << 40)}ll", lambda: f"0b{number(256):b}",
                lambda: self.pick(["'a'", "'\\xff'", "'\\377'", "'\\n'", "'\\0'", "P9", "P10", "PBIG", "N5", "N4", "N7"]),
                lambda: f"sizeof(struct {self.pick(['R0', 'R1', 'R2'])})", lambda: "sizeof words / sizeof words[0]",
                lambda: f"sizeof({self.pick(INTEGERS)})", lambda: "sizeof(v + 1)", lambda: "sizeof words",
                lambda: f"__builtin_offsetof(struct R0, {self.pick(self.records[0].plain)})", lambda: "sizeof known",
                lambda: f"__alignof__(struct {self.pick(['R0', 'R1', 'R2'])})", lambda: "sizeof(row_t)",
                lambda: f"{number(1 << 62)}uLL", lambda: "2147483648", lambda: "0x80000000", lambda: "4294967295u",
            ]
        )()  # fmt: skip

    def side_effect(self) -> str:
        """A change inside an expression, of an object that nothing else in the full expression touches."""
        free = [one for one in ("s0", "s1", "s2", "es.f", "es.g", "ea[1]", "*ps", "gside") if one not in self.used]
        if not free:
            return self.constant()
        place = self.pick(free)
        self.used.add(place)
        change = self.pick(["++", "--", "+=", "^=", "=", "*=", "|=", ">>=", "<<="])
        if change in ("++", "--"):
            return self.pick([f"(({place}){change})", f"({change}{place})"])
        operand = str(self.random.randrange(8)) if change in (">>=", "<<=") else self.expression(1)
        return f"({place} {change} {operand})"

    def expression(self, depth: int) -> str:
        draw, pick = self.random.random(), self.pick
        if depth <= 0 or draw < 0.1:
            return self.atom(depth)
        left = self.expression(depth - 1)
        if draw < 0.42:
            return f"({left} {pick(BINARY)} {self.expression(depth - 1)})"
        if draw < 0.48:
            return f"({left} {pick(['<<', '>>'])} ({self.expression(depth - 1)} & 31))"
        if draw < 0.52:
            kind = pick(["unsigned long", "long", "T64", "unsigned long long"])
            return f"(({kind})({left}) {pick(['<<', '>>'])} ({self.expression(depth - 1)} & 63))"
        if draw < 0.57:
            divisor = pick([str(self.random.randrange(1, 60)), f"(({self.expression(depth - 1)} & 15) + 1)"])
            return f"({left} {pick('/%')} {divisor})"
        if draw < 0.65:
            return f"(({pick(INTEGERS)})({left}))"
        if draw < 0.7:
            return f"({pick('~-!+')}{left})"
        if draw < 0.75:
            return f"({left} ? {self.expression(depth - 1)} : {self.expression(depth - 1)})"
        if draw < 0.77:
            return f"({left} ?: {self.expression(depth - 1)})"
        if draw < 0.82:
            return self.side_effect()
        if draw < 0.88:
            return self.block_expression(depth, left)
        return self.odd_expression(depth, left)

    def block_expression(self, depth: int, left: str) -> str:
        name, kind = self.name("b"), self.pick([*INTEGERS, "typeof(v)", "typeof(c + 1)", "__typeof__(arr[0])"])
        body = self.pick(
            [
                "", f"if ({name} & 1) {name} += {self.expression(1)}; else {name}--;",
                f"{{ int {name} = 3; while ({name}-- > 0) if ({name} == 1) break; }}",
                f"for (int n = 0; n < 3; n++) {{ if (n == ({left} & 3)) continue; {name} ^= n; }}",
            ]
        )  # fmt: skip
        last = self.pick([name, f"{name} + 1", f"{name}++", f"(T8){name}"])
        return f"({{ {kind} {name} = {left}; {body} {last}; }})"

    def odd_expression(self, depth: int, left: str) -> str:
        pick, index = self.pick, self.index
        other = self.expression(depth - 1)
        record = pick(self.records)
        return pick(
            [
                lambda: f"({left}, {other})",
                lambda: f"functions[{index(3, 1)}]({left}, {other})",
                lambda: f"({other} & 1 ? add : sub)({left}, {other})",
                lambda: f"(*op_table[{index(2, 1)}].op)({left}, {other})", lambda: f"op({left}, c)",
                lambda: f"turn(r, {left}).{pick(record_paths(self.records[0]))}",
                lambda: f"((struct {record.tag}){{ .first = {left} }}).first",
                lambda: f"((int[]){{ {left}, [2] = {other}, 5 }})[{index(4, 1)}]",
                lambda: f"((row_t){{ {left} }})[{index(3, 1)}]",
                lambda: f"__builtin_{pick(['popcount', 'ffs'])}((int)({left}))",
                lambda: f"__builtin_{pick(['popcountl', 'ffsl'])}({left})",
                lambda: f"__builtin_{pick(['ctz', 'clz'])}((unsigned)({left}) | 4u)",
                lambda: f"__builtin_{pick(['ctzl', 'clzl'])}((unsigned long)({left}) | 64)",
                lambda: f"__builtin_bswap{pick(['16', '32', '64'])}({left})",
                lambda: f"__builtin_expect(!!({left}), {pick('01')})",
                lambda: f"(p - arr + ({left} & 3))", lambda: "(&arr[3] - p)", lambda: "((char *)p - (char *)arr)",
                lambda: f"(p {pick(['<', '>', '==', '!=', '<=', '>='])} &arr[{index(4, 1)}])",
                lambda: f"(pq {pick(['<', '==', '!=', '>='])} qs + {index(2, 1)})", lambda: "(pq - qs)", lambda: "!p",
                lambda: f"(op == {pick(['add', 'sub', '&twice'])} ? {left} : {other})",
                lambda: f"((unsigned long)(((unsigned __int128)({left}) * (unsigned long)({other})) >> {pick([0, 7, 64])}))",
                lambda: f"(memcmp(arr, ga, {pick([4, 8, 12])}) {pick(['<', '>', '=='])} 0 ? {left} : {other})",
                lambda: f"(long)((T8)({left}) - (T8)({other}))", lambda: f"recurse(({left}) & 3, {other})",
                lambda: f"({left} & 1 ? p : &arr[1])[{index(3, 1)} - 1]", lambda: f"*({left} ? &v : &v)",
                lambda: f"__builtin_choose_expr(sizeof(v) == 8, {left}, (short){left})",
                lambda: f"({{ struct R0 *w_ = &r; w_->first + ({left}); }})", lambda: "(*(&u) + *&*&k)",
                lambda: f"({{ typeof(*p) *w_ = p; typeof(w_) x_ = w_ + 1; x_[-1] + ({left}); }})",
            ]
        )()  # fmt: skip

    def full(self, depth: int) -> str:
        """A full expression: side effects of the one before are done."""
        self.used.clear()
        return self.expression(depth)

    # Statements

    def place(self) -> str:
        draw = self.random.random()
        if draw < 0.4:
            return self.pick(["v", "u", "k", "t", "v", "k", "d", "a", "b", "vol", "se"])
        if draw < 0.75:
            return self.leaf(1)
        index = self.index
        return self.pick(
            [
                lambda: f"arr[{index(4, 1)}]", lambda: "*p", lambda: f"ga[{index(4, 1)}]", lambda: f"buf[{index(6, 1)}]",
                lambda: f"gs[{index(2, 1)}][{index(3, 1)}]", lambda: f"(*pa)[{index(3, 1)}]", lambda: "**pp",
                lambda: f"p[{index(3, 1)} - 1]", lambda: f"*({index(4, 1)} + arr)", lambda: f"kept[{index(2, 1)}]",
            ]
        )()  # fmt: skip

    def assignment(self) -> str:
        draw, pick = self.random.random(), self.pick
        self.used.clear()
        place = self.place()
        if draw < 0.12:
            return pick([f"({place})++;", f"--{place};", f"({place})--;", f"++({place});"])
        if draw < 0.18:
            return f"{place} {pick(['<<=', '>>='])} {self.expression(2)} & {pick([7, 15, 31])};"
        if draw < 0.22:
            return f"{place} {pick(['/=', '%='])} {self.random.randrange(1, 50)};"
        if draw < 0.26:
            return f"k = v = {self.pick(['*p', 'arr[2]', 'r.first', 'd', 'pr->first'])} = {self.expression(2)};"
        return f"{place} {pick(ASSIGNING)} {self.expression(3)};"

    def object_statement(self) -> str:
        pick, index = self.pick, self.index
        self.used.clear()
        walker = self.name("w")
        return pick(
            [
                lambda: "z = copy;", lambda: "copy = z;", lambda: f"*pq = qs[{index(2, 1)}];", lambda: "*pr = r;",
                lambda: f"r = turn({pick(['r', '*pr'])}, {self.expression(2)});", lambda: "saved = r;", lambda: "r = saved;",
                lambda: f"qs[{index(2, 1)}] = *pq;", lambda: f"pr = {pick(['&r', '&saved', 'pr'])};",
                lambda: f"p = &arr[1 + ({self.expression(1)} & 1)];", lambda: f"pp = ({self.expression(1)} & 1) ? &p : pp;",
                lambda: "memset(&saved, 0, sizeof saved);", lambda: f"memset(arr, {self.expression(1)}, sizeof arr);",
                lambda: f"memcpy(&arr[{pick('12')}], ga, {pick([4, 8])});", lambda: "memmove(arr + 1, arr, 12);",
                lambda: "memcpy(&saved, pr, sizeof(*pr));", lambda: f"op = functions[{index(3, 1)}];",
                lambda: f"saved = (struct R0){{ .first = {self.expression(2)} }};",
                lambda: f"{{ struct R0 x = *pr, *px = &x; px->first += {self.expression(1)}; v += x.first; }}",
                lambda: f"{{ int *{walker} = arr, n = 3; while (n--) v += *{walker}++; v -= *--{walker}; }}",
                lambda: f"{{ unsigned short *{walker}; for ({walker} = gs[1]; {walker} < gs[1] + 3; ++{walker}) u += *{walker}; }}",
                lambda: f"{{ const char *{walker} = words[{index(2, 1)}]; while (*{walker}) k = k * 3 + *{walker}++; }}",
                lambda: f"{{ static {pick(INTEGERS)} st = {self.random.randrange(100)}; st += {self.expression(1)}; t += st; }}",
                lambda: f"{{ static struct R0 st = {{ .first = 3 }}; st.first += {self.expression(1)}; v ^= st.first; }}",
                lambda: f"{{ row_t x = {{ {self.expression(1)}, [2] = 1 }}; pa = {pick(['&grows[1]', 'pa'])}; (*pa)[1] += x[0]; }}",
                lambda: f"(void)({self.expression(2)});", lambda: f"{self.side_effect()};", lambda: ";",
                lambda: f"if (!({self.expression(1)})) return (unsigned long)v + {self.expression(1)};",
                lambda: f"{{ typeof(r.first) x = {self.expression(2)}; {pick(INTEGERS)} y = x; v += x + y; }}",
                lambda: f"{{ enum plain x = {self.expression(1)}; enum negative y = {self.expression(1)}; v += x < y; u += x; }}",
                lambda: f"{{ unsigned long x[2][2] = {{ {{ {self.expression(1)} }}, {{ 4, {self.expression(1)} }} }}; v += x[1][{index(2, 1)}]; }}",
                lambda: f"{{ char x[] = \"q{'r' * self.random.randrange(4)}\"; x[0] += {self.expression(1)}; v += x[0] + sizeof x; }}",
                lambda: f"{{ struct ops x = op_table[{index(2, 1)}]; x.bias ^= {self.expression(1)}; v += x.op(x.bias, 2) + x.name[0]; }}",
                lambda: f"saved.first = ({self.expression(1)}), pr->first++;",
            ]
        )()  # fmt: skip

    def body(self, depth: int, loop: str) -> str:
        return " ".join(self.statement(depth, loop) for _ in range(self.random.randrange(1, 3)))

    def statement(self, depth: int, loop: str = "") -> str:
        """`loop` says what may be left here: "" for nothing, "l" for a loop, "s" for a switch that is in no loop."""
        draw, pick = self.random.random(), self.pick
        if depth <= 0 or draw < 0.3:
            return self.assignment()
        if draw < 0.45:
            return self.object_statement()
        if draw < 0.58:
            condition = self.full(2)
            arms = [f"{{ {self.body(depth - 1, loop)} }}", f"if ({self.full(2)}) {{ v++; }} else u--;"]
            other = pick(["", f" else {pick(arms)}"])
            return f"if ({condition}) {{ {self.body(depth - 1, loop)} }}{other}"
        if draw < 0.75:
            return self.loop(depth)
        if draw < 0.88:
            return self.switch(depth, loop)
        if draw < 0.95 or not loop:
            return self.jump(depth, loop)
        leave = pick(["break;", "continue;"]) if loop == "l" else "break;"
        return f"if ({self.full(2)}) {leave}"

    def loop(self, depth: int) -> str:
        inner, pick, n = self.body(depth - 1, "l"), self.pick, self.name("n")
        count = self.random.randrange(1, 5)
        kind = pick(["int", "unsigned char", "long", "unsigned", "short", "unsigned long"])
        return pick(
            [
                lambda: f"for ({kind} {n} = 0; {n} < {count}; {n}++) {{ {inner} }}",
                lambda: f"for ({kind} {n} = {count}; {n}; --{n}) {{ v += {n}; {inner} }}",
                lambda: f"for ({kind} {n} = 0, {n}_ = 5; {n} < {n}_ && ({self.full(1)}, 1); {n}++, {n}_--) {{ {inner} }}",
                lambda: f"{{ int {n} = {count}; while ({n}-- > 0) {{ {inner} }} }}",
                lambda: f"{{ int {n} = 0; while (({self.full(2)}) && {n} < {count}) {{ {n}++; {inner} }} }}",
                lambda: f"{{ int {n} = 0; do {{ {n} += 2; {inner} }} while ({n} < {count} && {self.full(1)}); }}",
                lambda: f"{{ int {n} = 0; for (;;) {{ if (++{n} > {count}) break; {inner} }} }}",
                lambda: f"do {{ {inner} }} while (0);",
                lambda: f"{{ unsigned {n} = {count}; while (({{ int x_ = {n}; {n} -= !!{n}; x_ > 0; }})) {{ {inner} }} }}",
            ]
        )()  # fmt: skip

    def switch(self, depth: int, loop: str) -> str:
        pick = self.pick
        values = self.random.sample(range(-3, 12), 4)
        inside = loop or "s"
        arms = []
        for value in values:
            label = f"case {value}:"
            if self.random.random() < 0.3:
                label += f" case {value + 100}:"
            if self.random.random() < 0.2:
                label += f" case {value * 10 + 200} ... {value * 10 + 204}:"
            arms.append(f"{label} ; {self.body(depth - 1, inside)} {pick(['break;', 'break;', '', 'v--;'])}")
        if self.random.random() < 0.7:
            arms.insert(self.random.randrange(5), f"default: ; {self.body(depth - 1, inside)} {pick(['break;', ''])}")
        value = pick([f"({self.full(2)}) % 12", f"(signed char)({self.full(2)})", f"{self.full(1)} & 15", self.full(2)])
        return f"switch ({value}) {{ {' '.join(arms)} }}"

    def jump(self, depth: int, loop: str) -> str:
        label, n = self.name("L"), self.name("n")
        inner = self.body(depth - 1, loop)
        if self.random.random() < 0.4:
            return f"int {n} = 0; {label}: ; {inner} if ({n}++ < 2 && ({self.full(1)})) goto {label};"
        if self.random.random() < 0.5:
            return (
                f"for (int {n} = 0; {n} < 3; {n}++) {{ for (;;) {{ {self.assignment()} if ({self.full(1)}) goto {label};"
                f" break; }} {self.assignment()} }} {label}: {self.assignment()}"
            )
        return f"if ({self.full(2)}) goto {label}; {inner} {label}: ;"

    # Functions

    def function(self, name: str) -> str:
        kind = {letter: self.pick(INTEGERS) for letter in ("v", "u", "k", "t", "se", "s0", "s1", "s2")}
        kind["v"] = self.pick(["long", "int", "unsigned", "unsigned long", "short"])
        self.used.clear()
        for one in ("s0", "s1", "s2", "es.f", "es.g", "ea[1]", "*ps", "gside"):
            self.used.add(one)
        init = {one: self.pick([self.constant(), "a", "(d ^ e)", "f", "g + h"]) for one in kind}
        declared = "".join(f" {kind[one]} {one} = {init[one]};" for one in ("u", "k", "t", "s0", "s1", "s2"))
        first = [path for path, length in self.records[1].leaves if not length and "." not in path]
        static = f"static {self.pick(INTEGERS)} kept[2] = {{ {self.random.randrange(90)}, 1 }};"
        head = (
            f"unsigned long {name}({', '.join(f'{one} {letter}' for letter, one in PARAMETERS)})\n{{\n"
            f"\tvolatile int vol = d; {kind['v']} v = {init['v']};{declared} {static}\n"
            f"\tstruct R0 r = {{ .first = e }}, saved = {{ 0 }}, *pr = &r; const struct R2 copy0 = {{ .first = c }};\n"
            f"\tstruct R1 qs[2] = {{ [1] = {{ .{self.pick(first)} = 1, }}, [0].first = d }}, *pq = qs + 1;\n"
            "\tstruct R2 z = { 0 }, copy = copy0; int arr[4] = { 1, e, [3] = (int)a }, *p = &arr[1], **pp = &p, ea[2] = { 0 };\n"
            '\trow_t *pa = &grows[1]; char buf[6] = "hey"; struct { int f : 9; unsigned g : 6; _Bool n : 1; } es = { 3, c, d };\n'
            f"\tregister {kind['se']} se = h; {self.pick(['short', 'unsigned char', 'long'])} pointed = 5, *ps = &pointed;\n"
            "\tlong (*op)(int, unsigned short) = d & 1 ? add : &sub;\n"
        )
        statements = "\n\t".join(self.statement(2) for _ in range(self.random.randrange(2, 5)))
        return f"{head}\t{statements}\n{self.checksum()}}}\n"

    def checksum(self) -> str:
        """Everything the function may have changed, in one number."""
        seen = ("v", "u", "k", "t", "s0", "s1", "s2", "vol", "se", "es.f", "es.g", "ea[1]", "pointed", "(p - arr)", "kept[0]",
                "kept[1]", "(pq - qs)", "a", "b", "d", "arr[0]", "arr[1]", "arr[2]", "arr[3]", "buf[0]", "buf[5]")  # fmt: skip
        total = "0ul"
        for one in seen:
            total = f"{total} * 31 + {one}" if total == "0ul" else f"({total}) * 31 + {one}"
        return f"\treturn ({total}) * 31 + total(&r, &saved, qs, &z);\n"

    def total(self) -> str:
        """The text of the function that adds up records and globals."""
        lines = []
        for place, record in (("r->", 0), ("saved->", 0), ("qs[0].", 1), ("qs[1].", 1), ("z->", 2)):
            for path, length in self.records[record].leaves:
                lines += [
                    f"sum = sum * 31 + {place}{path.replace('@', str(number))};" for number in {0, max(length - 1, 0)}
                ]
        lines.append(
            "for (n = 0; n < 6; n++) sum = sum * 31 + gs[n / 3][n % 3] + grows[n & 1][n >> 1] * 3 + ga[n & 3];"
        )
        parameters = "struct R0 *r, struct R0 *saved, struct R1 *qs, struct R2 *z"
        body = "\n\t".join(lines)
        return f"static unsigned long total({parameters})\n{{\n\tunsigned long sum = gside; int n;\n\t{body}\n\treturn sum;\n}}\n"

    def program(self, count: int) -> tuple[str, list[str], list[list[tuple[int, ...]]]]:
        """The text that all functions share, the functions, and arguments for each."""
        r = self.records[0]
        turned = " ".join(f"x.{path.replace('@', '0')} += n;" for path, _ in r.leaves[:3])
        shared = (
            HEADER + "".join(record.text for record in self.records)
            + f"static struct R0 turn(struct R0 x, int n) {{ {turned} x.first ^= n; return x; }}\n"
            + "static long recurse(int n, long x)\n{\n\tif (n <= 0)\n\t\treturn x;\n"
            + "\treturn recurse(n - 1, x * 3 + n) - (n > 1 ? recurse(n - 2, ~x) : 1);\n}\n"
            + self.total()
        )  # fmt: skip
        functions = [self.function(f"f{number}") for number in range(count)]
        widths = dict(zip(INTEGERS, SIZES, strict=True))
        bits = [8 * widths[kind] for _, kind in PARAMETERS]
        arguments = [[tuple(map(self.random.getrandbits, bits)) for _ in range(2)] for _ in functions]
        return shared, functions, arguments


def record_paths(record: Record) -> list[str]:
    return [path.replace("@", "0") for path, _ in record.leaves]


FUNCTIONS = int(os.environ.get("KPT_FUZZ_FUNCTIONS", "60"))
"""`make fuzz` asks for more than the short run that is always done."""


@pytest.mark.parametrize("seed", range(-(-FUNCTIONS // 250)))
def test_random_functions_on_objects_agree_with_gcc(seed: int, disagreements: Callable[..., list[str]]) -> None:
    shared, functions, arguments = Generator(seed).program(min(250, FUNCTIONS))
    types = [kind for _, kind in PARAMETERS]
    assert disagreements(shared, functions, types, arguments, before="setup") == []
