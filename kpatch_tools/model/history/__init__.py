"""A boot as a sequence of moments: what every page was, and became."""

from .recorder import History, Moment, record
from .snapshot import Access, Run, Use, snapshot

__all__ = ["Access", "History", "Moment", "Run", "Use", "record", "snapshot"]
