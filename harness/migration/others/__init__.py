"""What others did to the org meanwhile: read again, told apart from our own work, and named."""
