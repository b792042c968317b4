"""The database backend of the product: Django's, with a health check that detects a server that accepts no writes."""
