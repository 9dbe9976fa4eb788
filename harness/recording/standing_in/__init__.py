"""What stands in a cassette for what an org answered: typed, and the same for the same value in all recordings."""
