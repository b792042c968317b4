"""Deliverers under fire: they are killed between a request and its commit, and the buyers' systems fail in every way.

`run.py` starts real deliverers and one real process that stands for the systems of all buyers. The records of that
process say which buyer has which lead; `accounts.py` compares them with the tables.
"""
