"""What applications say and ask: deeds, who may do them, how they are carried out and answered."""
