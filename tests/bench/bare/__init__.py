"""The baseline of the intake: a fresh Django project with one DRF create view over the same table.

No authentication, no normalizing, no identity, no wake-up, no idempotency. It does not import the product's settings.
"""
