"""SOSL: words to find, matching them with rows, and searches as a user."""
