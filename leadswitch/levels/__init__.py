"""Service levels: what the product promises, how it is measured, who is alerted and what operators see.

Rooms import distribution, routing and tracing. `objectives` and `alerts` are data and text: they import no Django.
"""
