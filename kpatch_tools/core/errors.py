"""The expected failures: the caller's mistake or an input we cannot use."""


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
