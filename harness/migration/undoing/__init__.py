"""The way back: everything a run wrote, undone in reverse, and proven by comparing fingerprints."""
