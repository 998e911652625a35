"""Bringing a change to another version, or saying exactly why not."""
