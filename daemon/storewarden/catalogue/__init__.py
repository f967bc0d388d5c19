"""The catalogue: the database that remembers files, and the only room that knows it is one."""
