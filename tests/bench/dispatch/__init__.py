"""The dispatch bench: how late leads start, how many a dispatcher moves, how a backlog is restored."""
