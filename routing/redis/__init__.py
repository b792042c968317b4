"""The connection to Redis: client, key names, circuit breaker, rate limit. It does not depend on leads."""
