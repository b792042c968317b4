"""The dispatcher process: the leader's loop, its periodic checks, and the fallback that runs leads without Redis.

It starts attempts and never decides about a lead.
"""
