"""The bench of the dispatch: how late leads start, how many a dispatcher moves, how a backlog is restored."""
