"""Who commits, and when: the clock and git's environment are read here and nowhere below."""

import os
import time
from dataclasses import replace

from kpatch_tools.tree import KernelTree, Signature


def committer(tree: KernelTree) -> Signature:
    """The user's git identity, now, in the local time zone. Raises KpatchError "no-identity"."""
    return at_this_moment(identity_of_environment() or tree.identity())


def identity_of_environment() -> Signature | None:
    """What GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL say (else GIT_COMMITTER_…), which git heeds before its configuration.

    None unless both name and email are given.
    """
    for role in ("AUTHOR", "COMMITTER"):
        name, email = os.environ.get(f"GIT_{role}_NAME", ""), os.environ.get(f"GIT_{role}_EMAIL", "")
        if name and email:
            return Signature(name, email)
    return None


def at_this_moment(identity: Signature) -> Signature:
    """`identity` with the present time and zone."""
    now = time.time()
    return replace(identity, when=int(now), offset=time.localtime(now).tm_gmtoff // 60)
