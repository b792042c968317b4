"""The bench of a big history: a year with a million leads, and every page, list and command on it."""
