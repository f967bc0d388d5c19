"""Documents, archives, models, databases, texts: a file a format."""
