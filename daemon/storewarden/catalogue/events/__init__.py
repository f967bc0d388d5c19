"""What happened to files, as listeners hear it: the journal, the feed, and how far each came."""
