"""What the facts of one file are."""

from textwrap import dedent

import pytest
from kpatch_tools.hooks.index.extract import extract_facts
from kpatch_tools.hooks.index.facts import (
    Assignment,
    Call,
    Facts,
    Fill,
    Member,
    MemberKind,
    Record,
    Root,
    Storage,
    Typedef,
    Variable,
)


def facts(text: str) -> Facts:
    return extract_facts(dedent(text).encode())


def members(text: str) -> dict[str, tuple[MemberKind, str]]:
    """Path to kind, and signature or type, of the members of the only record."""
    (record,) = facts(text).records
    return {member.path: (member.kind, member.signature or member.type) for member in record.members}


def in_function(body: str) -> Facts:
    return facts(f"int work(struct shop *shop, int n)\n{{\n{body}\n}}\n")


def test_record_with_slots_records_and_numbers() -> None:
    found = facts("""\
        struct shop_ops {
            int (*open)(struct shop *shop, int hours);
            struct till_ops till;
            const struct clerk *clerk;
            unsigned long flags;
        };
    """)
    assert found.records == (
        Record(
            "struct shop_ops",
            (
                Member("open", MemberKind.SLOT, "", "int (*open)(struct shop *shop, int hours)", False, 2),
                Member("till", MemberKind.STRUCT, "struct till_ops", "", False, 3),
                Member("clerk", MemberKind.POINTER, "struct clerk", "", False, 4),
                Member("flags", MemberKind.DATA, "", "", False, 5),
            ),
            1,
        ),
    )


def test_record_of_numbers_is_known_without_members() -> None:
    assert facts("struct till { int notes; u32 coins; };").records == (Record("struct till", (), 1),)


@pytest.mark.parametrize(
    ("declaration", "signature"),
    [
        ("void (*f)(void);", "void (*f)(void)"),
        ("void (*f[4])(void);", "void (*f[4])(void)"),
        ("int *(*f)(int a,\n int b);", "int *(*f)(int a, int b)"),
        ("void (*(*f)(int))(long);", "void (*(*f)(int))(long)"),
        ("int __must_check (*f)(void) __deprecated;", "int (*f)(void)"),
    ],
)
def test_spellings_of_a_slot(declaration: str, signature: str) -> None:
    assert members(f"struct s {{ {declaration} }};") == {"f": (MemberKind.SLOT, signature)}


def test_nested_bodies() -> None:
    found = members("""\
        struct shop {
            struct { void (*ring)(void); } bell, *spare;
            union { int a; void (*sweep)(void); };
            int open:1;
        };
    """)
    assert found == {
        "bell": (MemberKind.STRUCT, ""),
        "bell.ring": (MemberKind.SLOT, "void (*ring)(void)"),
        "spare": (MemberKind.POINTER, ""),
        "spare.ring": (MemberKind.SLOT, "void (*ring)(void)"),
        "a": (MemberKind.DATA, ""),
        "sweep": (MemberKind.SLOT, "void (*sweep)(void)"),
        "open": (MemberKind.DATA, ""),
    }


def test_nested_body_with_a_tag_is_a_record_of_its_own() -> None:
    found = facts("struct shop { struct bell { void (*ring)(void); } bell; };")
    assert [record.type for record in found.records] == ["struct shop", "struct bell"]
    assert found.records[0].members[0].type == "struct bell"


def test_typedefs_and_the_slots_they_declare() -> None:
    found = facts("""\
        typedef int (*opener)(int);
        typedef void closer(void);
        typedef struct { opener open; closer *close; closer_t other; } shop_t;
        typedef struct shop *shop_p;
    """)
    assert found.typedefs == (
        Typedef("opener", "", "int (*opener)(int)", 1),
        Typedef("closer", "", "void closer(void)", 2),
        Typedef("shop_p", "struct shop", "", 4, pointer=True),
    )
    (record,) = found.records
    assert record.type == "shop_t"
    assert [(member.kind, member.type, member.signature) for member in record.members] == [
        (MemberKind.SLOT, "opener", "int (*open)(int)"),
        (MemberKind.SLOT, "closer", "void (*close)(void)"),
        (MemberKind.STRUCT, "closer_t", ""),
    ]


def test_members_under_conditionals() -> None:
    found = members("""\
        struct s {
        #ifdef CONFIG_A
            void (*a)(void);
        #else
            void (*b)(void);
        #endif
        };
    """)
    assert set(found) == {"a", "b"}


def test_variable_with_designators() -> None:
    found = facts("""\
        static const struct shop_ops shop_ops __initdata = {
            .open = shop_open,
            .till = { .count = &till_count },
            .till.empty = (void *)till_empty,
            close: shop_close,
            .hours = 24,
            .name = "shop",
            .other = NULL,
            .flags = OPEN_FLAGS,
            .wrapped = PV_WRAP(native_f),
        };
    """)
    assert found.variables == (
        Variable(
            name="shop_ops",
            type="struct shop_ops",
            storage=Storage.PRIVATE,
            pointer=False,
            array=False,
            target="",
            fills=(
                Fill("open", "shop_open", 0, 2),
                Fill("till.count", "till_count", 0, 3),
                Fill("till.empty", "till_empty", 0, 4),
                Fill("close", "shop_close", 0, 5),
                Fill("other", "NULL", 0, 8),
                Fill("flags", "OPEN_FLAGS", 0, 9),
                Fill("wrapped", "PV_WRAP(native_f)", 0, 10),
            ),
            annotation="__initdata",
            function="",
            line=1,
        ),
    )


def fills(text: str) -> list[tuple[str, str, int]]:
    (variable,) = facts(text).variables
    return [(fill.path, fill.value, fill.number) for fill in variable.fills]


def test_values_without_designators() -> None:
    assert fills("struct s x = { 1, f, { 2, g }, FLAGS, h };") == [("#1", "f", 0), ("#2.#1", "g", 0), ("#4", "h", 0)]


def test_arrays_of_structs() -> None:
    assert fills("struct s x[] = { { .a = f }, [4] = { .b = g }, { h }, { 1, 2 }, { .a = k } };") == [
        ("a", "f", 0),
        ("b", "g", 4),
        ("#0", "h", 5),
        ("a", "k", 7),
    ]


def test_arrays_of_plain_values_and_of_structs_inside() -> None:
    assert fills("handler_t x[] = { f, &g, NULL };") == [("", "f", 0), ("", "g", 1), ("", "NULL", 2)]
    assert fills("struct s x = { .ops = { [READ] = { .f = f }, g } };") == [("ops.#0.f", "f", 0), ("ops.#1", "g", 0)]


def test_branches_inside_an_initialiser_are_all_read() -> None:
    text = """\
        struct s x = {
        #ifdef CONFIG_A
            .a = f,
        #else
            .a = g,
        #endif
        };
    """
    assert fills(text) == [("a", "f", 0), ("a", "g", 0)]


@pytest.mark.parametrize(
    ("declaration", "storage", "pointer", "target"),
    [
        ("struct s x;", Storage.PUBLIC, False, ""),
        ("extern struct s x;", Storage.EXTERN, False, ""),
        ("static struct s *x = &y;", Storage.PRIVATE, True, "y"),
        ("const struct s *x = y;", Storage.PUBLIC, True, "y"),
        ("DEFINE_PER_CPU(struct s, x);", Storage.PUBLIC, False, ""),
    ],
)
def test_storage_and_target(declaration: str, storage: Storage, pointer: bool, target: str) -> None:
    (variable,) = facts(declaration).variables
    assert (variable.name, variable.type) == ("x", "struct s")
    assert (variable.storage, variable.pointer, variable.target) == (storage, pointer, target)


def test_what_is_no_variable_of_a_record() -> None:
    assert facts("struct s *f(void); int x; static u32 y = 3; extern struct s g(int);").variables == ()


def test_local_tables() -> None:
    found = in_function("static struct s table; struct s walk = { .f = g }; struct s other; struct s zero = { 0 };")
    assert [(variable.name, variable.storage, variable.function) for variable in found.variables] == [
        ("table", Storage.LOCAL, "work"),
        ("walk", Storage.LOCAL, "work"),
    ]


@pytest.mark.parametrize(
    ("expression", "root", "kind", "root_type", "chain"),
    [
        ("shop->open(1)", "shop", Root.LOCAL, "struct shop", "open"),
        ("(*shop->open)(1)", "shop", Root.LOCAL, "struct shop", "open"),
        ("(shop->open)(1)", "shop", Root.LOCAL, "struct shop", "open"),
        ("shop->ops->open(1)", "shop", Root.LOCAL, "struct shop", "ops.open"),
        ("shop_ops.open(1)", "shop_ops", Root.GLOBAL, "", "open"),
        ("(*shop_ops.open)(1)", "shop_ops", Root.GLOBAL, "", "open"),
        ("table[n].open(1)", "table", Root.GLOBAL, "", "open"),
        ("shop->open[n](1)", "shop", Root.LOCAL, "struct shop", "open"),
        ("get_shop(n)->open(1)", "get_shop", Root.RESULT, "", "open"),
        ("((struct inn *)data)->open(1)", "data", Root.GLOBAL, "struct inn", "open"),
        ("((struct inn *)shop->data)->ops->open(1)", "shop", Root.RESULT, "struct inn", "ops.open"),
        ("rcu_dereference(shop->ops)->open(1)", "shop", Root.LOCAL, "struct shop", "ops.open"),
        ("per_cpu(tills, n).open(1)", "tills", Root.GLOBAL, "", "open"),
    ],
)
def test_calls_through_members(expression: str, root: str, kind: Root, root_type: str, chain: str) -> None:
    assert in_function(f"    return {expression};").calls == (
        Call(root, kind, root_type, chain, "work", 3, 1, False, ""),
    )


@pytest.mark.parametrize(
    ("declaration", "root_type"),
    [
        ("struct inn *inn;", "struct inn"),
        ("const struct inn *a = b, *inn = c;", "struct inn"),
        ("inn_t *const inn = make();", "inn_t"),
        ("/* the inn */ union inn inn;", "union inn"),
        ("unsigned long inn;", ""),
    ],
)
def test_types_of_local_names(declaration: str, root_type: str) -> None:
    (call,) = in_function(f"    {declaration}\n    inn->open();").calls
    assert (call.root_kind, call.root_type) == (Root.LOCAL, root_type)


@pytest.mark.parametrize(
    ("code", "guarded"),
    [
        ("if (shop->open) shop->open(1);", True),
        ("if (!shop->open) return 1; shop->open(1);", True),
        ("return shop->open ? shop->open(1) : 0;", True),
        ("return shop->open && shop->open(1);", True),
        ("if (shop->open != NULL && n) shop->open(1);", True),
        ("if (shop->close) shop->open(1);", False),
        ("shop->open(1); if (shop->open) n = 1;", False),
    ],
)
def test_guards(code: str, guarded: bool) -> None:
    assert in_function(code).calls[0].guarded is guarded


def test_member_passed_to_a_macro() -> None:
    assert in_function("    PVOP_VCALL1(shop_ops.open, n);\n    lower(shop_ops.open);").calls == (
        Call("shop_ops", Root.GLOBAL, "", "open", "work", 3, 2, False, "PVOP_VCALL1"),
    )


def test_assignments() -> None:
    found = in_function("    shop->open = f;\n    if (n)\n        shop_ops.till.count = g = &h;\n    shop->hours = n;")
    assert found.assignments == (
        Assignment("shop", Root.LOCAL, "struct shop", "open", "work", 3, "f", False),
        Assignment("shop_ops", Root.GLOBAL, "", "till.count", "work", 5, "h", True),
        Assignment("g", Root.GLOBAL, "", "", "work", 5, "h", True),
    )


def test_chained_assignment_counts_for_each_member() -> None:
    found = in_function("    shop->open = shop->close = f;").assignments
    assert [(item.chain, item.value) for item in found] == [("open", "f"), ("close", "f")]


def test_whole_variables_and_braces() -> None:
    found = in_function(
        "    shop_ops = inn_ops;\n    n = m;\n    shop->ops = (struct ops){ .open = f, .till = { .a = g } };"
    )
    assert [(item.root, item.chain, item.value) for item in found.assignments] == [
        ("shop_ops", "", "inn_ops"),
        ("shop", "ops.open", "f"),
        ("shop", "ops.till.a", "g"),
    ]


def test_functions() -> None:
    found = facts("""\
        static inline int __init
        f(int a, void (*g)(int, int))
        { return 0; }
        void h(void /* a, b */) { }
        int v(const char *form, ...) { return 0; }
        void (*pick(int which))(int) { return 0; }
    """).functions
    assert [(item.name, item.parameters, item.private, item.annotation, item.line) for item in found] == [
        ("f", 2, True, "__init", 2),
        ("h", 0, False, "", 4),
        ("v", -1, False, "", 5),
        ("pick", 1, False, "", 6),
    ]
    assert found[0].signature == "int f(int a, void (*g)(int, int))"
    assert found[0].returns == "int"


def test_macros_that_reach_members() -> None:
    found = facts("""\
        #define open_shop(x) \\
            CALL(shop_ops.open, x)
        #define CLOSE(p) ((p)->ops[0]->close("a.b", 1.5))
        #define NUMBER 1.5
    """).macros
    assert [(item.name, item.parameters, item.roots, item.members, item.line) for item in found] == [
        ("open_shop", ("x",), ("shop_ops.open",), ("open",), 1),
        ("CLOSE", ("p",), ("p.ops.close",), ("ops", "close"), 3),
    ]


def test_code_in_hidden_branches_is_read_too() -> None:
    found = facts("""\
        int work(struct shop *shop)
        {
        #ifdef CONFIG_A
            if (shop->open(1)) {
        #else
            if (shop->other(1)) {
        #endif
                shop->close();
            }
        }
    """)
    assert [(call.chain, call.line) for call in found.calls] == [("open", 4), ("other", 6), ("close", 8)]
    assert found.unread == ()


def test_an_error_in_the_branch_that_only_the_second_reading_shows() -> None:
    found = facts("""\
        void f(void)
        {
        #ifdef CONFIG_A
            if (shop->open(1)) {
        #else
            if (shop->other ( = 3 @ ) {
        #endif
                shop->close();
            }
        }
    """)
    assert [(call.chain, call.line) for call in found.calls if call.line != 6] == [("open", 4), ("close", 8)]
    assert found.unread_bytes > 0
    (part,) = found.unread
    assert part.first <= 6 <= part.last
    assert "other" in part.words


def test_what_is_not_understood_is_told_with_its_words() -> None:
    found = facts("""\
        int a;
        int f(void)
        {
            shop_ops.open ( = 3 @ ;
        }
    """)
    assert found.unread_bytes > 0
    (part,) = found.unread
    assert (part.first, part.last) == (4, 4)
    assert {"shop_ops", "open"} <= set(part.words)


def test_an_identifier_in_two_lines_is_told_as_one_word() -> None:
    found = extract_facts(b"void f(void)\n{\n\tshop_\\\nops.open(1);\n}\n")
    assert [(part.first, part.last) for part in found.unread] == [(3, 4)]
    assert "shop_ops" in found.unread[0].words


def test_code_never_compiled_says_nothing() -> None:
    assert in_function("#if 0\n    shop->open(1);\n#endif").calls == ()


def test_bytes_that_are_no_utf8() -> None:
    found = extract_facts(b'/* caf\xe9 */ struct s { void (*f)(void); /* \xe9 */ };\n#define M(x) (x)->f("\xe9")\n')
    assert found.records[0].members[0].path == "f"
    assert found.macros[0].body.encode("utf-8", "surrogateescape") == b'(x)->f("\xe9")'


OVERRIDE = """\
#define override(slot, saved, own)  \\
    do {{ saved = slot; slot = {own}; }} while (0)
int work(struct shop *shop, int n)
{{
    {call}
}}
"""


def put_by_macro(call: str, own: str = "own") -> list[tuple[str, str]]:
    return [(item.chain, item.value) for item in facts(OVERRIDE.format(call=call, own=own)).assignments]


def test_a_macro_of_the_file_puts_what_it_is_given_into_a_member() -> None:
    found = put_by_macro("override(shop->ops.open, shop->old_open, my_open);")
    assert found == [("ops.open", "my_open")]


@pytest.mark.parametrize(
    ("own", "value"),
    [("(void *)own", "my_open"), ("&own", "my_open"), ("(void *)rel->eip", "rel->eip"), ("NULL", "NULL")],
)
def test_what_a_macro_puts_is_told_as_it_is_spelled(own: str, value: str) -> None:
    assert put_by_macro("override(shop->ops.open, saved, my_open);", own) == [("ops.open", value)]


@pytest.mark.parametrize(
    ("call", "own"),
    [
        pytest.param("override(shop->ops.open, saved, 3);", "own", id="a number"),
        pytest.param("override(shop->ops.open, saved, OPENED);", "own", id="a constant"),
        pytest.param("override(shop->ops.open, saved, n);", "own", id="a local number"),
        pytest.param("override(shop->ops.open, saved, my_open);", "slot + own", id="a sum"),
        pytest.param("other(shop->ops.open, saved, my_open);", "own", id="another macro"),
        pytest.param("override(shop->ops.open, saved);", "own", id="too few arguments"),
        pytest.param("if (shop) override(shop, saved, my_open);", "own", id="no member"),
    ],
)
def test_what_a_macro_puts_that_is_no_function_is_left_out(call: str, own: str) -> None:
    assert put_by_macro(call, own) == []


def test_what_a_macro_keeps_in_a_name_of_its_own_is_no_function() -> None:
    text = OVERRIDE.replace("do {{", "do {{ long x = own;")
    assert facts(text.format(call="override(shop->open, saved, a);", own="x")).assignments == ()


def test_what_a_macro_puts_sometimes_is_conditional() -> None:
    text = OVERRIDE.replace("slot = {own}", "if (saved) slot = {own}")
    calls = ("override(shop->open, saved, a);", "if (n) override(shop->open, saved, a);")
    found = [facts(form.format(call=call, own="own")).assignments for form in (OVERRIDE, text) for call in calls]
    assert [item.conditional for (item,) in found] == [False, True, True, True]
