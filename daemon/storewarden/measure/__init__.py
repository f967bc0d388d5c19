"""What the daemon tells: figures for Prometheus, health for whoever asks, lines for the log."""
