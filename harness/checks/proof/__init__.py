"""Proving what a user may do: three witnesses that know nothing of each other, and the verdict over them."""
