"""An index of a repository's commits, by what they touch and by what their messages speak of.

It holds numbers, no text: what it finds is read from the repository again and judged there, so that a key two things
happen to share costs a read and never an answer.
"""

from .commits import CommitIndex
from .keys import cited_ids, quoted_texts, speaks_of
from .opening import open_index

__all__ = ["CommitIndex", "cited_ids", "open_index", "quoted_texts", "speaks_of"]
