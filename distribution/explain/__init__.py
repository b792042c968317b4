"""Explains what happened to a lead or a buyer, from what attempts recorded. Reads only."""
