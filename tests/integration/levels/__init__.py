"""Service levels on real servers and processes."""
