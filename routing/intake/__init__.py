"""How a lead comes in: parsing, correction, identity, idempotency, storage. It stores and enqueues, and never sells."""
