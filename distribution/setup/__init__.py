"""A first campaign as a file: a workspace with its sources, buyers and campaigns, read from YAML and stored."""
