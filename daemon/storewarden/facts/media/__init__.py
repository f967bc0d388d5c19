"""Sound and moving pictures: a file a container, each reads headers only."""
