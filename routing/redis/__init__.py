"""The connection to Redis: client, key names, circuit breaker, rate limit. It does not know what a lead is."""
