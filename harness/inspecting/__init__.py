"""What the commands about cassettes do: say whether one is safe to commit, and what it says."""
