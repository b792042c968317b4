"""Which dispatcher leads: a lease in Redis with an epoch that never falls. Raises redis.RedisError."""

from typing import Final

from routing.dispatch.schedule import Leader, run_script

# ARGV: name, lease ms, least epoch so far. Returns {epoch, 1 if it was won just now}; epoch 0: another dispatcher
# leads.
LEAD: Final = """
local holder, epoch = redis.call('GET', DISPATCHER), redis.call('GET', EPOCH)
if holder == ARGV[1] and epoch then
    redis.call('PEXPIRE', DISPATCHER, ARGV[2])
    return {tonumber(epoch), 0}
end
if holder and holder ~= ARGV[1] then return {0, 0} end
epoch = math.max(tonumber(epoch or 0), tonumber(ARGV[3])) + 1
redis.call('SET', EPOCH, epoch)
redis.call('SET', DISPATCHER, ARGV[1], 'PX', ARGV[2])
return {epoch, 1}
"""

# ARGV: name. Gives up the leadership.
RESIGN: Final = """
if redis.call('GET', DISPATCHER) == ARGV[1] then return redis.call('UNLINK', DISPATCHER) end
return 0
"""


def acquire_leadership(name: str, *, lease_ms: int, least_epoch: int) -> tuple[Leader | None, bool]:
    """Win or renew the leadership. Returns it, or None while another dispatcher leads; and whether it is new."""
    epoch, is_new = run_script(LEAD, [name, lease_ms, least_epoch])
    return (Leader(name, epoch) if epoch else None), bool(is_new)


def resign(name: str) -> None:
    """Give up the leadership, so that another dispatcher leads at once."""
    run_script(RESIGN, [name])
