"""Numbered steps from an empty database to the tables as they are; each is frozen once released."""
