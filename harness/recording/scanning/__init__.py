"""Looking for what must not be there: secrets by shape and by knowledge, in every encoding."""
