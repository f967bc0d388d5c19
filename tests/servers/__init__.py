"""Real servers for tests: started once per run by whoever needs them first, stopped at its end."""
