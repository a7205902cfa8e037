"""Maximum spanning arborescences and the single-root rule."""
