"""Verification calls under fire: dialers and web servers are killed around requests, reports and questions.

`run.py` starts real dialers and a real web server. The carrier of tests/carrier/ is a process of its own, which loses,
doubles and reorders its reports, and goes away. Its record of who was called, when and over which number is compared
with the tables (`accounts.py`).
"""
