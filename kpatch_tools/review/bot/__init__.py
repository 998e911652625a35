"""The bot: what it is told, what it remembers, where its answers go."""
