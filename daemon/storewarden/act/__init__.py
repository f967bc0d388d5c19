"""What is done to files, and the proof that nothing is lost by it. Only ``remove`` removes."""
