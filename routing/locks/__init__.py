"""Every lock of routing: attempts, leads that end from outside one, switches, and reconcilers."""
