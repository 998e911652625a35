"""Whether the tables of a revision are complete and sound: rules over the map of all tables."""
