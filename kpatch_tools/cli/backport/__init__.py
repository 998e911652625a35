"""`kpt backport`: the main job, for one change, for several, and for a queue."""

from .command import command

__all__ = ["command"]
