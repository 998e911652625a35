"""The errors that a user can act on."""

import pickle

from kpatch_tools.core.errors import KpatchError


def test_an_error_survives_the_way_between_processes():
    sent = KpatchError("bad-layout", "no room", hint="more")
    got = pickle.loads(pickle.dumps(sent))
    assert (type(got), got.code, got.message, got.hint, str(got)) == (KpatchError, *sent.__dict__.values(), "no room")
