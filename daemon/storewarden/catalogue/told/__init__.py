"""What applications and people told: workflows, files, calls, texts, chats, users."""
