"""Reports stored definitions that no lead can meet, or that change nothing. Reads only."""
