"""Reconcilers of the trace's own tables."""
