"""Applications and the daemon: what serves them is put together here, when the first one comes."""
