"""What does not go on as it is: left out where its code is absent, carried to where its code lives, or adapted."""

from .change import adapt_change

__all__ = ["adapt_change"]
