"""Where files can be besides their roots: one contract, and a file for each kind of store."""
