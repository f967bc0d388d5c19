"""Rows of applications' databases: which are due, archived before they go, and brought back."""
