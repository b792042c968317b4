"""Reads a workspace with its sources, buyers and campaigns from a YAML file and stores them."""
