"""How healthy all of it is: a score from 100 down, in which every lost point has a name."""
