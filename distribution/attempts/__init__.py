"""One attempt on one lead: lock, route, decide, sell, record. The only room that sells.

It returns leads to the schedule, but does not read it: PostgreSQL says what is due.
"""
