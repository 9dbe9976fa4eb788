"""The planning half of a migration: what is carried, what is lost and why, and what will be written. Pure."""
