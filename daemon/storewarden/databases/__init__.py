"""What databases need: where each belongs, and why."""
