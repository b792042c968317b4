"""Python processes that begin with the libraries of the product imported.

Importing them takes most of the CPU time of a start, and tests start hundreds of processes. One process for each test
process imports them once. It then forks a child for each start, and the child runs the program that was asked for: its
arguments, its environment, its settings and its modules of the product are its own, except the table of ZIP codes.
Nothing that reads the environment or the settings is imported before the fork.

Tests of the start itself use `subprocess` (docs/decisions/0091).
"""
