"""How a sold lead or an event reaches an endpoint: deliveries, their tries, and their three ends.

It sends only what a transaction has committed, and never inside a transaction. It does not decide who buys a lead: the
end of a direct post is settled by `distribution/attempts/`.
"""
