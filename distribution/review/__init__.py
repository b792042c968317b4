"""Reports stored definitions that no lead can match, or that have no effect."""
