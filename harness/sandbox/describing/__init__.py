"""What objects and fields look like to a user, and the tables that say so."""
