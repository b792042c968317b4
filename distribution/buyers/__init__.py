"""Buyers as such: their pauses and their API keys. It sells nothing and moves no money."""
