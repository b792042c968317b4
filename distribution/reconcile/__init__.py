"""Reconcilers of distribution. Those of money report differences and never correct them. The others repair."""
