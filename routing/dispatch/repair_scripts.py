"""The Lua that finds and requeues lost leads of the schedule. The rules of `scripts.py` apply to it."""

from typing import Final

# ARGV: shards, ms after which a put counts as lost, most. Requeues what such puts dispatched. Returns how many.
REQUEUE_UNPUBLISHED: Final = """
local longest = now - tonumber(ARGV[2])
local lost = redis.call('ZRANGEBYSCORE', PUTS, '-inf', longest, 'WITHSCORES', 'LIMIT', 0, ARGV[3])
return requeue(lost, tonumber(ARGV[1]))
"""

# ARGV: shards, lease ms, most for each shard. Requeues leads in queues without a worker, if other queues have one.
# Returns how many leads. Their messages stay in the queue, and take room.
REQUEUE_UNCONSUMED: Final = """
local shards, lease, count = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
if #list_consumed(shards) == 0 then return 0 end
for shard = 0, shards - 1 do
    if not is_consumed(shard, shards) then
        local ready = ready_of(shard)
        local queued = redis.call('ZRANGEBYSCORE', ready, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
        for at = 2, #queued, 2 do queued[at] = tonumber(queued[at]) - lease end
        count = count + requeue(queued, shards)
        for at = 1, #queued, 2 do redis.call('ZADD', ready, now, queued[at]) end
    end
end
return count
"""

# ARGV: shards, lease ms, ms after which a message counts as lost, most for each shard. Requeues leads that no worker
# has started though their queue is empty. Returns how many.
REQUEUE_UNSTARTED: Final = """
local shards, lease, count = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local latest = now + lease - tonumber(ARGV[3])
for shard = 0, shards - 1 do
    if messages_of(shard) == 0 then
        local ready = ready_of(shard)
        local queued = redis.call('ZRANGEBYSCORE', ready, '(' .. now, latest, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
        for at = 2, #queued, 2 do queued[at] = tonumber(queued[at]) - lease end
        count = count + requeue(queued, shards)
        for at = 1, #queued, 2 do redis.call('ZREM', ready, queued[at]) end
    end
end
return count
"""

# ARGV: longest spread ms, then (lead, workspace, due ms)... . Returns those leads that would not start in time:
# neither in their workspace's schedule nor in flight, or in the schedule at a time later than the spread explains, or
# of a workspace that is missing in the index of workspaces.
FIND_LOST: Final = """
local spread, lost, indexed = tonumber(ARGV[1]), {}, {}

local function is_indexed(workspace)
    if indexed[workspace] == nil then
        local head = redis.call('ZRANGE', leads_of(workspace), 0, 0, 'WITHSCORES')[2]
        local known = redis.call('ZSCORE', SCHEDULE, workspace)
        indexed[workspace] = known and head and tonumber(known) <= tonumber(head) or false
    end
    return indexed[workspace]
end

for at = 2, #ARGV, 3 do
    local lead, workspace, due = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    if not redis.call('ZSCORE', INFLIGHT, lead) then
        local score = redis.call('ZSCORE', leads_of(workspace), lead)
        local is_in_time = score and tonumber(score) <= math.max(due, now) + spread and is_indexed(workspace)
        if not is_in_time then lost[#lost + 1] = lead end
    end
end
return lost
"""

# ARGV: how many to skip, most. Returns [lead, when its lease ended, workspace, 1 if a worker had started it]... .
FIND_EXPIRED: Final = """
local expired = {}
local found = redis.call('ZRANGEBYSCORE', INFLIGHT, '-inf', now, 'WITHSCORES', 'LIMIT', ARGV[1], ARGV[2])
for at, part in ipairs(found) do
    expired[#expired + 1] = part
    if at % 2 == 0 then
        local workspace, is_started = read_lease(expired[#expired - 1])
        expired[#expired + 1] = workspace or ''
        expired[#expired + 1] = is_started and 1 or 0
    end
end
return expired
"""
