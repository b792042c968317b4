"""REST API of distribution."""
