"""Calls that verify leads by phone. `carrier/` and `signing.py` are pure: no Django, database or queue."""
