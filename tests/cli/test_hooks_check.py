"""kpt hooks check, as typed."""

from kpatch_tools.hooks.completeness.catalogue import ALL_RULES


def test_every_rule_is_explained_with_an_example(kpt):
    done = kpt("hooks", "check", "--explain", "--json")
    assert done.code == 0
    assert [rule["id"] for rule in done.json["rules"]] == [rule.id for rule in ALL_RULES]
    assert all(rule["title"] and rule["why"] and rule["example"] for rule in done.json["rules"])
    one = kpt("hooks", "check", "--explain", "--rule", "never-filled").out.decode()
    assert one.startswith("never-filled: ")
    assert "never-called" not in one


def test_the_miniature_is_judged(kpt):
    done = kpt("hooks", "check", "--rev", "v2.6.39", "--json")
    assert done.code == (1 if any(one["status"] == "FAIL" for one in done.json["findings"]) else 0)
    assert done.json["slots"] > 0
    assert len(done.json["commit"]) == 40
    assert {one["rule"] for one in done.json["findings"]} <= {rule.id for rule in ALL_RULES}
    text = kpt("hooks", "check", "--rev", "v2.6.39")
    assert text.code == done.code
    assert text.out.decode().splitlines()[-1].startswith(f"v2.6.39: {done.json['slots']} slots of ")


def test_a_table_a_rule_or_a_type_that_is_not_there(kpt):
    for option, code in (("--table", "no-such-table"), ("--type", "no-such-table"), ("--rule", "no-such-rule")):
        done = kpt("hooks", "check", "--rev", "v2.6.39", option, "nonesuch", "--json")
        assert done.code == 2
        assert done.json["error"]["code"] == code
