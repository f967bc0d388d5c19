"""Databases are looked after: what people wish for them, and what is due by policies."""
