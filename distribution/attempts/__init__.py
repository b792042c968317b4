"""One attempt on one lead: lock, route, decide, sell, record. The only room that sells.

It puts leads back into the schedule, but does not read the schedule: PostgreSQL decides what is due.
"""
