"""Where the external system's credentials live, and switching them."""
