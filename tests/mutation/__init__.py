"""Mutation testing of the code that proves, removes and recovers; see docs/adr/."""
