"""What happens to files, told to whoever listens: streams, webhooks, Redis; at least once."""
