"""Reconcilers of distribution: money that does not add up is reported, never corrected."""
