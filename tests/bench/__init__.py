"""Measures the engine and the intake against hand-written code, in a separate database.

`python -m tests.bench` starts a process for each worker, server and client. Modules of the parent: run, plan,
database, children, engine_part, intake_part, aims, tables; of its children: worker, dataset, template, loops, wire,
client, bare. `tests.bench.dispatch` and `tests.bench.scale` are programs too.
"""
