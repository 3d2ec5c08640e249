"""Domain errors and the HTTP answers they become, in one table."""
