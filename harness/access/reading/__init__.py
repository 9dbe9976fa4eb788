"""Reading from an org what a user may do and what it holds beside that: sets, rows and names, in few calls."""
