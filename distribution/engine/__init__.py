"""The pure decision: no Django, Redis, clock or randomness; `at` and `seed` come in as arguments."""
