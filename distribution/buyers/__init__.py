"""Pauses, API keys, and who may sign in to the portal of a buyer. It sells no leads and moves no money."""
