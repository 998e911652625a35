"""When two subjects of commits are the same."""


def same_subject(one: str, other: str) -> bool:
    """Blanks, case and a final full stop apart.

    >>> same_subject("mm: fix  it.", "MM: fix it"), same_subject("mm: fix it", "mm: fix that")
    (True, False)
    """
    return _plain(one) == _plain(other)


def _plain(subject: str) -> str:
    return " ".join(subject.split()).rstrip(".").casefold()
