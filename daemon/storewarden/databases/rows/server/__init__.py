"""Rows of tables that a PostgreSQL server has."""
