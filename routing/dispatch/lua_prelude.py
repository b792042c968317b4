"""The Lua functions at the start of every script of the schedule (scripts.py, sizes.py, leadership.py)."""

from typing import Final

from django.conf import settings

# `ALIVE_SECONDS` is set in the line before it.
PRELUDE: Final = """
local SCHEDULE, INFLIGHT, LEASES, READY, PAUSED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WAKE, PACE, TURN, CLAIMED, CLAIMS, PUTS = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local CONSUMED, DISPATCHER, EPOCH, QUEUE = KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local LEAST_PACE = 8

local CRC = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
}

local function crc_of(workspace)
    local crc = bit.bnot(0)
    for at = 1, #workspace do
        crc = bit.bxor(crc, string.byte(workspace, at))
        crc = bit.bxor(bit.rshift(crc, 4), CRC[bit.band(crc, 15) + 1])
        crc = bit.bxor(bit.rshift(crc, 4), CRC[bit.band(crc, 15) + 1])
    end
    return bit.bnot(crc) % 4294967296
end

local function shard_of(workspace, shards) return crc_of(workspace) % shards end

local function leads_of(workspace) return SCHEDULE .. ':' .. workspace end
local function ready_of(shard) return READY .. ':' .. shard end
local function is_paused(workspace) return redis.call('EXISTS', PAUSED .. ':' .. workspace) == 1 end
local function messages_of(shard) return redis.call('LLEN', QUEUE .. shard) end

-- The shards that workers report to consume, in order.
local consumed
local function list_consumed(shards)
    if consumed then return consumed end
    consumed = {}
    local reports = redis.call('HGETALL', CONSUMED)
    for at = 1, #reports, 2 do
        local shard, is_alive = tonumber(reports[at]), tonumber(reports[at + 1]) >= clock[1] - ALIVE_SECONDS
        if is_alive and shard < shards then consumed[#consumed + 1] = shard end
    end
    table.sort(consumed)
    return consumed
end

local function is_consumed(shard, shards)
    for _, other in ipairs(list_consumed(shards)) do
        if other == shard then return true end
    end
    return false
end

-- Where a workspace's leads go: to its own shard or, while no worker consumes that, to one that a worker consumes.
local function shard_for(workspace, shards)
    local home, others = shard_of(workspace, shards), list_consumed(shards)
    if #others == 0 or is_consumed(home, shards) then return home end
    return others[math.floor(crc_of(workspace) / shards) % #others + 1]
end

-- The workspace of a lead, whether a worker started it ("!"), when its lease ends, and its shard. Nil if the lead is
-- not in flight.
local function read_lease(lead, shards)
    local deadline = redis.call('ZSCORE', INFLIGHT, lead)
    if not deadline then return nil, false, nil, nil end
    local workspace, shard, mark = string.match(redis.call('HGET', LEASES, lead) or '', '^([-%d]*)@?(%d*)(!?)$')
    if not workspace then workspace, shard, mark = '', '', '' end
    shard = tonumber(shard) or shards and workspace ~= '' and shard_of(workspace, shards)
    return workspace, mark == '!', tonumber(deadline), shard
end

-- The index of workspaces has the earliest lead of each. A lead that is due earlier than before wakes the dispatcher.
local function update_index(workspace)
    local head = redis.call('ZRANGE', leads_of(workspace), 0, 0, 'WITHSCORES')
    if not head[1] then
        redis.call('ZREM', SCHEDULE, workspace)
        return
    end
    local known, due = tonumber(redis.call('ZSCORE', SCHEDULE, workspace) or nil), tonumber(head[2])
    if known == due then return end
    redis.call('ZADD', SCHEDULE, due, workspace)
    -- Published once until the next claim, which looks at everything.
    if (not known or due < known) and redis.call('SETNX', WAKE, 1) == 1 then redis.call('PUBLISH', WAKE, 1) end
end

-- How many more leads a shard's queue may take: fewer while leads wait long in it. A lead whose lease ended while it
-- waited still has its message there, until the queue is empty.
local function room_of(shard, limit)
    local messages = messages_of(shard)
    if messages == 0 then redis.call('ZREMRANGEBYSCORE', ready_of(shard), '-inf', now) end
    local pace = math.min(limit, tonumber(redis.call('HGET', PACE, shard) or limit))
    return math.max(0, math.min(pace - redis.call('ZCARD', ready_of(shard)), limit - messages))
end

-- One step up for each lead that started in time; half for a late one, at most once in `target`.
local function adjust_pace(shard, limit, target, waited)
    local pace = tonumber(redis.call('HGET', PACE, shard) or limit)
    if waited <= target then
        if pace < limit then redis.call('HSET', PACE, shard, pace + 1) end
        return
    end
    local since = tonumber(redis.call('HGET', PACE, shard .. ':slowed') or 0)
    if now - since >= target then
        redis.call('HSET', PACE, shard, math.max(LEAST_PACE, math.floor(math.min(pace, limit) / 2)),
                   shard .. ':slowed', now)
    end
end

local function dispatch_leads(workspace, shard, leads, lease)
    local scores, leases = {}, {}
    local earlier = redis.call('ZMSCORE', ready_of(shard), unpack(leads))
    for at, lead in ipairs(leads) do
        scores[#scores + 1], scores[#scores + 2] = now + lease, lead
        leases[#leases + 1], leases[#leases + 2] = lead, workspace .. '@' .. shard
        -- Its message under an earlier lease takes room of its own.
        if earlier[at] then redis.call('ZADD', ready_of(shard), earlier[at], lead .. '/' .. earlier[at]) end
    end
    redis.call('ZREM', leads_of(workspace), unpack(leads))
    redis.call('ZADD', INFLIGHT, unpack(scores))
    redis.call('ZADD', ready_of(shard), unpack(scores))
    redis.call('HSET', LEASES, unpack(leases))
end

local function confirm(lead)
    redis.call('ZREM', CLAIMED, lead)
    redis.call('ZREM', PUTS, lead)
end

-- A lead leaves flight. If its lease ended while it waited, its message is assumed to be in the queue still.
local function drop_lease(lead, shard, deadline)
    redis.call('ZREM', INFLIGHT, lead)
    redis.call('HDEL', LEASES, lead)
    if deadline > now then redis.call('ZREM', ready_of(shard), lead) end
    confirm(lead)
end

-- Requeue (lead, due ms)..., except leads that a worker has started. Returns how many.
local function requeue(unconfirmed, shards)
    local count, touched = 0, {}
    for at = 1, #unconfirmed, 2 do
        local lead = unconfirmed[at]
        local workspace, is_started, deadline, shard = read_lease(lead, shards)
        if workspace and workspace ~= '' and not is_started then
            drop_lease(lead, shard, deadline)
            redis.call('ZADD', leads_of(workspace), 'LT', unconfirmed[at + 1], lead)
            count, touched[workspace] = count + 1, true
        else
            confirm(lead)
        end
    end
    for workspace in pairs(touched) do update_index(workspace) end
    return count
end
"""


def with_prelude(text: str) -> str:
    """The script as Redis gets it."""
    return f"local ALIVE_SECONDS = {settings.LEADSWITCH_TAKEOVER.alive_seconds}\n{PRELUDE}{text}"
