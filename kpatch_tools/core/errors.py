"""The expected failures: the caller's mistake or an input we cannot use."""

from collections.abc import Callable
from functools import partial


class KpatchError(Exception):
    """Something the user can act on.

    `code` is stable and machine-readable (kebab-case, e.g. "unknown-revision"); `message` says what and where;
    `hint` is the next step, empty only when there is none.
    """

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __reduce__(self) -> "tuple[Callable[..., KpatchError], tuple[str, str]]":
        """Processes that share work send each other what stopped them."""
        return partial(KpatchError, hint=self.hint), (self.code, self.message)
