"""Settles what a three-way merge of one file leaves in conflict; every strategy is a function that may decline."""

from .settle import settle

__all__ = ["settle"]
