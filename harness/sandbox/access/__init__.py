"""What a user may do, and what follows from it."""
