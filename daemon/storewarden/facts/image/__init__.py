"""Pictures: a file a format, each reads headers only."""
