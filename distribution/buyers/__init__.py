"""Pauses and API keys of buyers. It sells no leads and moves no money."""
