"""What of the documentation is generated, and how its sources are read."""
