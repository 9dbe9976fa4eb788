"""Evidence gathered from the journal, and the reports rendered from it."""
