"""What a file is: its kind, its digest."""
