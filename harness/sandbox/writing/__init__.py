"""Writing rows as a user: what comes in, what is checked, what follows."""
