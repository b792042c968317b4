"""Reconcilers of distribution: they report differences in money and never correct them."""
