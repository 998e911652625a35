"""One use case per verb; no terminal, no environment."""
