"""What should become of files, and why: the policy language and its decisions; pure."""
