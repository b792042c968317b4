"""The REST face of routing: parses, calls use cases and queries, renders."""
