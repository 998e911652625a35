"""What fills the slots of a type, and where they are called."""

from collections.abc import Callable

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.survey.atlas import ReadSlot, TypeReading
from kpatch_tools.hooks.survey.reading import read_slot, read_type

Survey = Callable[..., MemoryFacts]


def read(facts: MemoryFacts, name: str) -> TypeReading:
    (reading,) = read_type(facts, name)
    return reading


def slot(reading: TypeReading, path: str) -> ReadSlot:
    (found,) = (item for item in reading.slots if item.slot.path == path)
    return found


def test_defaults_overrides_and_calls_of_one_table(survey: Survey) -> None:
    reading = read(survey(), "board")
    assert reading.table.type == "struct board_ops"
    start = slot(reading, "clocks.start")
    assert [(put.value, str(put.location), put.variable) for put in start.defaults] == [
        ("native_start", "arch/x86/kernel/board.c:3", "board")
    ]
    (override,) = start.overrides
    assert (override.value, override.location.line, override.location.function) == ("guest_start", 5, "guest_init")
    assert (override.variable, override.conditional) == ("board", False)
    (call,) = start.calls
    assert (str(call.location), call.guarded, call.arguments) == ("arch/x86/kernel/setup.c:3", False, 0)
    assert (call.macro, call.variable) == ("", "board")
    assert [call.guarded for call in slot(reading, "clocks.stop").calls] == [True]
    mask = slot(reading, "irqs.mask")
    assert [(put.value, put.conditional) for put in mask.overrides] == [("NULL", True)]
    assert not reading.unresolved


def test_an_inner_table_is_read_by_itself(survey: Survey) -> None:
    reading = read(survey(), "struct board_clocks")
    start = slot(reading, "start")
    assert [put.value for put in (*start.defaults, *start.overrides)] == ["native_start", "guest_start"]
    assert [str(call.location) for call in start.calls] == ["arch/x86/kernel/setup.c:3"]


def test_calls_belong_to_the_type_of_the_object(survey: Survey) -> None:
    reading = read(survey(), "shop_ops")
    opened = slot(reading, "open")
    assert [(str(call.location), call.variable) for call in opened.calls] == [("drivers/shops/core.c:6", "")]
    assert [str(call.location) for call in slot(read(survey(), "clerk"), "open").calls] == ["drivers/shops/core.c:5"]


def test_what_cannot_be_resolved_is_told(survey: Survey) -> None:
    found = [(item.text, item.location.line, item.ambiguous) for item in read(survey(), "shop_ops").unresolved]
    assert sorted(found) == [("find_shop.ops.count", 11, False), ("somewhere.open", 16, False)]


def test_elements_of_an_array_and_positions(survey: Survey) -> None:
    reading = read(survey(), "shop_ops")
    many = [(put.value, put.element) for put in slot(reading, "open").defaults if put.variable == "many"]
    assert many == [("corner_open", 0), ("corner_open", 1)]
    assert [(put.value, put.element) for put in slot(reading, "close").defaults] == [("corner_close", 1)]


def test_types_of_one_name_are_told_apart(survey: Survey) -> None:
    header = "struct ops { int (*f)(void); };\nextern struct ops ops;\n"
    use = "struct ops ops = { .f = mine };\nvoid go(void)\n{\n\tops.f();\n}\n"
    files = {
        "arch/arm/include/asm/ops.h": header,
        "arch/arm/kernel/ops.c": use,
        "arch/x86/include/asm/ops.h": header,
        "arch/x86/kernel/ops.c": use,
        "drivers/ops.c": "void far(void)\n{\n\tops.f();\n}\n",
    }
    arm, x86 = read_type(survey(files, alone=True), "struct ops")
    assert (arm.table.location.file, x86.table.location.file) == (
        "arch/arm/include/asm/ops.h",
        "arch/x86/include/asm/ops.h",
    )
    assert [str(call.location) for call in slot(arm, "f").calls] == ["arch/arm/kernel/ops.c:4"]
    assert [str(call.location) for call in slot(x86, "f").calls] == ["arch/x86/kernel/ops.c:4"]
    assert [(item.location.file, item.ambiguous) for item in arm.unresolved] == [("drivers/ops.c", True)]
    only = read_type(survey(files, alone=True), "struct ops", file=RepoPath("arch/x86/include/asm/ops.h"))
    assert [reading.table.location.file for reading in only] == ["arch/x86/include/asm/ops.h"]


def test_a_copied_struct_overrides_every_slot(survey: Survey) -> None:
    text = """\
        static const struct board_clocks guest_clocks = { .start = guest_start };
        void install(void)
        {
            board.clocks = guest_clocks;
        }
        """
    reading = read(survey({"arch/x86/guest/clocks.c": text}), "board_ops")
    assert "guest_start" in [
        put.value for put in slot(reading, "clocks.start").overrides if put.location.file == "arch/x86/guest/clocks.c"
    ]
    (stop,) = slot(reading, "clocks.stop").overrides
    assert (stop.value, str(stop.location), stop.variable) == ("NULL", "arch/x86/guest/clocks.c:4", "board")


def test_a_whole_variable_is_exchanged(survey: Survey) -> None:
    text = """\
        static const struct board_ops guest_board __initconst = { .clocks.start = guest_start, .irqs = { guest_mask } };
        void install(void)
        {
            board = guest_board;
        }
        """
    reading = read(survey({"arch/x86/guest/clocks.c": text}), "board_ops")
    places = [(put.value, put.location.line) for put in slot(reading, "irqs.mask").overrides]
    assert ("guest_mask", 4) in places


def test_no_such_type(survey: Survey) -> None:
    assert read_type(survey(), "struct nobody") == ()
    assert read_type(survey(), "shop") == ()


def test_unread_parts_that_name_the_type_are_told(survey: Survey) -> None:
    text = "void f(void)\n{\n\tboard.clocks.start(;;= ) if {;\n}\n"
    reading = read(survey({"arch/x86/kernel/bad.c": text}), "board")
    assert [part.file for part in reading.unread] == ["arch/x86/kernel/bad.c"]
    assert reading.extent.unread_files == 1
    assert not read(survey({"arch/x86/kernel/bad.c": text}), "shop_ops").unread


def test_the_story_of_one_slot(survey: Survey) -> None:
    (story,) = read_slot(survey(), "board.clocks.start")
    assert story.slot == slot(read(survey(), "board"), "clocks.start")
    assert (story.table.type, story.variable) == ("struct board_ops", "board")
    (story,) = read_slot(survey(), "struct shop_ops.open")
    assert (story.variable, {put.variable for put in story.slot.defaults}) == ("", {"corner_ops", "many"})
    assert [item.text for item in story.unresolved] == ["somewhere.open"]
    (story,) = read_slot(survey(), "corner_ops.open")
    assert [put.variable for put in story.slot.defaults] == ["corner_ops"]
    assert read_slot(survey(), "board.clocks.nothing") == read_slot(survey(), "board") == ()


def test_unread_parts_that_name_the_slot_are_told(survey: Survey) -> None:
    text = "void f(void)\n{\n\tshop->ops->count(;;= ) if {;\n}\n"
    facts = survey({"drivers/shops/bad.c": text})
    (story,) = read_slot(facts, "shop_ops.count")
    assert [part.file for part in story.unread] == ["drivers/shops/bad.c"]
    assert not read_slot(facts, "shop_ops.close")[0].unread


def test_macros_call_slots_and_are_passed_them(survey: Survey) -> None:
    text = """\
        #define begin() board.clocks.start()
        #define NOW(ops) ops->start()
        void f(void)
        {
            CALL_LATER(board.clocks.start);
        }
        """
    reading = read(survey({"arch/x86/kernel/late.c": text}), "board")
    calls = [call for call in slot(reading, "clocks.start").calls if call.macro]
    assert [(call.macro, call.location.function, call.arguments) for call in calls] == [
        ("begin", None, -1),
        ("CALL_LATER", "f", -1),
    ]
    assert [(item.text, item.location.line) for item in reading.unresolved] == [("ops.start", 2)]


def test_a_struct_around_a_pointer_that_macros_call_is_a_slot(survey: Survey) -> None:
    text = """\
        struct thunk { void *code; /* saves registers */ };
        struct lock_ops {
            struct thunk lock;
            int (*try)(void);
        };
        #define CALL(op) jump_to(op.code)
        #define THUNK(f) ((struct thunk) { thunk_of_##f })
        struct lock_ops locks = { .lock = THUNK(native_lock) };
        void take(void)
        {
            CALL(locks.lock);
            locks.lock = THUNK(guest_lock);
        }
        """
    reading = read(survey({"arch/x86/kernel/locks.c": text}, alone=True), "locks")
    lock = slot(reading, "lock")
    assert lock.slot.signature == "struct thunk lock"
    assert [put.value for put in (*lock.defaults, *lock.overrides)] == ["native_lock", "guest_lock"]
    assert [call.macro for call in lock.calls] == ["CALL"]
    data = text.replace("jump_to(op.code)", "jump_to(op)")
    reading = read(survey({"arch/x86/kernel/locks.c": data}, alone=True), "locks")
    assert [item.path for item in reading.table.slots] == ["try"]


def test_records_of_numbers_and_headers_that_announce_do_not_hide_types(survey: Survey) -> None:
    files = {
        "drivers/a.h": "struct inner;\nstruct a { struct inner *inner; struct count *count; };\n",
        "include/linux/count.h": "struct count { int open; };\n",
        "drivers/a.c": """\
            struct inner { const struct shop_ops *ops; };
            void f(struct a *a)
            {
                a->inner->ops->open(0);
                a->count->open = value;
            }
            """,
    }
    reading = read(survey(files), "shop_ops")
    assert "drivers/a.c:4" in [str(call.location) for call in slot(reading, "open").calls]
    assert "drivers/a.c" not in [item.location.file for item in reading.unresolved]


def test_another_architecture_cannot_mean_the_type(survey: Survey) -> None:
    reading = read(survey({"arch/arm/kernel/a.c": "void f(void)\n{\n\tunknown->mask(1);\n}\n"}), "board")
    assert not reading.unresolved


def test_a_member_may_be_a_macro_for_a_chain(survey: Survey) -> None:
    text = """\
        struct place { struct { const struct shop_ops *mine; } common; };
        #define place_ops common.mine
        void f(struct place *place)
        {
            place->place_ops->open(0);
            place->other_ops->open(0);
        }
        """
    reading = read(survey({"drivers/place.c": text}), "shop_ops")
    assert "drivers/place.c:5" in [str(call.location) for call in slot(reading, "open").calls]
    assert ("place.other_ops.open", 6) in [(item.text, item.location.line) for item in reading.unresolved]
