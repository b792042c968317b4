"""Attempts counted by the hour. Owns the tables of `tracing.models.rollup`; never writes an attempt."""
