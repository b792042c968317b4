"""`python -m tests.load`: leads at planned times into the whole product, and what they wait for (docs/load.md).

The parent starts the product on servers of its own and reads the results from its database. `generator` is a process of
its own: gevent patches its sockets, and nothing of the product runs in it.
"""
