"""The database backend of the product: Django's, with a health check that notices a server which takes no writes."""
