"""What else in an org names a user or its profile, and breaks when the user moves, freezes or goes."""
