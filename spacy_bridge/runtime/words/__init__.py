"""From words to their vectors."""
