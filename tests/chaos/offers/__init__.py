"""Offers under fire: processes are killed around claims and around the end of offers, while buyers claim over HTTP.

`run.py` starts the real web server, workers, dispatchers and beats. The buyers' own books say which claim was answered
how; `accounts.py` compares them with the tables.
"""
