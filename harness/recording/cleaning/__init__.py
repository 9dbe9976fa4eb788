"""What of a conversation is kept: an allow-list, and what becomes of everything else."""
