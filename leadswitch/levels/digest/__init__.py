"""The daily digest: the last 24 full hours as a mail, from the product alone. It reads the roll-up and what waits now.

Prometheus may be down, or not there at all. It must not read the table of attempts.
"""
