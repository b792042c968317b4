"""Measures the engine and the intake against what one would write by hand, in a database of its own.

The command (`manage.py bench`) starts one process for each worker, client and server; these modules are split between
that parent (plan, session, engine_part, intake_part, aims, tables) and the children (worker, dataset, loops, client, bare).
"""
