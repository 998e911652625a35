"""Who commits, and when: the clock is read here and nowhere below."""

import time
from dataclasses import replace

from kpatch_tools.tree import KernelTree, Signature


def committer(tree: KernelTree) -> Signature:
    """The user's git identity, now, in the local time zone. Raises KpatchError "no-identity"."""
    now = time.time()
    offset = time.localtime(now).tm_gmtoff // 60
    return replace(tree.identity(), when=int(now), offset=offset)
