"""Payments by card under fire: payers and web servers are killed around requests, credits and webhooks.

`run.py` starts real deliverers and a real web server. The provider is localstripe in a process of its own; its webhooks
are doubled, lost, late and out of order. `accounts.py` compares what the provider has with the tables.
"""
