"""Who may see and do what: API keys of every kind, the rows that a key or an operator may see, and cursors of lists.

Pages and the API scope their queries through this room. It reads no request.
"""
