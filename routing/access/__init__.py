"""Who may see and do what: API keys of every kind, and the rows that a key or an operator may see.

Queries of pages and the API are scoped through this room. It reads no request.
"""
