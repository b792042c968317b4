"""Pages on which buyers help themselves: leads, missed leads, settings, wallet, returns.

A person signs in with a link in an email, and sees one buyer. Every read and every change names the buyer of the
session. Pages call use cases and queries of the rooms below. They decide nothing, and the admin's users do not count.
"""
