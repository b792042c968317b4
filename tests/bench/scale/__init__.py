"""The bench of a big history: a database of a year and a million leads, and every page, list and command on it."""
