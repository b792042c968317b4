"""The state of due leads in Redis: schedule, leases, ready queues, pauses, heartbeats, and how leads are enqueued.

PostgreSQL decides when a lead is due. What Redis loses costs time and no lead.
"""
