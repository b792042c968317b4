"""A workspace that looks like a real one, leads that look like real ones, and a summary of the results."""
