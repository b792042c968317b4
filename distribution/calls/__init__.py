"""Verification calls over channels with a limited number of lines. The carrier is asked outside transactions.

`carrier/` and `signing.py` are pure: no Django, database or queue.
"""
