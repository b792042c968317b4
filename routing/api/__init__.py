"""REST API of routing. Parses requests, calls use cases and queries, and renders answers."""
