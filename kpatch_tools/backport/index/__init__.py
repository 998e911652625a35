"""An index of a repository's commits, by what they touch and by what their messages speak of.

It holds numbers, no text: what it finds is read from the repository again and judged there, so that a key two things
happen to share costs a read and never an answer.
"""

from .commits import CommitIndex
from .keys import normal_subject, speaks_of
from .opening import open_index

__all__ = ["CommitIndex", "normal_subject", "open_index", "speaks_of"]
