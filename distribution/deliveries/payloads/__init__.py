"""What is sent to an endpoint, and what its answer means. Pure: no models, no network, no clock.

`lead.py` is the lead as every payload sees it. `requests.py` makes a request and `mails.py` a mail. `answers.py` reads
an answer, and `ends.py` says how the delivery ends. `hiding.py` removes secrets before a request is stored.
"""
