"""Pauses and API keys of buyers. Sells nothing and moves no money."""
