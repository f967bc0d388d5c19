"""The events of the system, scans and timers: everything that says a file may have changed."""
