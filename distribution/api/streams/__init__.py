"""Server-sent events for buyers: offers as they open and close. One process of asyncio serves many listeners.

It authenticates and reads; it changes nothing. A claim goes to the web server.
"""
