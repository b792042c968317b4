"""What Redis knows about due leads: schedule, leases, ready queues, pauses, heartbeats, and how leads are enqueued.

PostgreSQL decides when a lead is due. What Redis loses costs time and no lead.
"""
