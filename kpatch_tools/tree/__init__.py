"""Git trees as values: the only room that knows pygit2."""
