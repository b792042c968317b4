"""The Lua of the schedule. Each script is atomic and idempotent, and uses the clock of Redis.

Every script gets the same keys (`routing.redis.keys.script_keys`) and derives the keys of a workspace or a shard from
them; all have the same hash tag. A lead is in its workspace's schedule, in flight, or both: both means that
its due time was written again while a worker had it. An entry of the schedule may be too early, never too late: the
worker that gets the lead reads its due time in PostgreSQL, and requeues it (decisions/0017).

Leads of a claim or a put are unconfirmed until the caller confirms that they were published, or a worker starts them,
because an answer may be lost or a caller killed (decisions/0045).
"""

from typing import Final

# ARGV: shards, queue limit, lease ms, ms after which a put counts as lost, the number of published leads of earlier
# puts, (such a lead, when its lease ends)..., then (lead, workspace, due ms, least ms to wait)... .
# Returns {when their leases end, lead, workspace, shard, ...} of those in flight now.
# A due lead goes directly to a ready queue if there is room and no other lead of its workspace waits; else it waits.
PUT: Final = """
local shards, limit, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local is_off, first = redis.call('EXISTS', PAUSED) == 1, 6 + 2 * tonumber(ARGV[5])
local places, rooms, dispatched, touched = {}, {}, {now + lease}, {}

for at = 6, first - 1, 2 do
    local deadline = redis.call('ZSCORE', INFLIGHT, ARGV[at])
    if deadline and tonumber(deadline) == tonumber(ARGV[at + 1]) then redis.call('ZREM', PUTS, ARGV[at]) end
end

-- The answer of its put seems to be lost: when it is put again, it is dispatched again.
local function is_lost(lead)
    local since = redis.call('ZSCORE', PUTS, lead)
    return since and now - tonumber(since) >= tonumber(ARGV[4])
end

local function place_of(workspace)
    local place = places[workspace]
    if not place then
        local head = redis.call('ZRANGE', leads_of(workspace), 0, 0, 'WITHSCORES')[2]
        place = {shard = shard_for(workspace, shards), is_open = not is_off and not is_paused(workspace)
                 and not (head and tonumber(head) <= now)}
        if not rooms[place.shard] then rooms[place.shard] = room_of(place.shard, limit) end
        places[workspace] = place
    end
    return place
end

for at = first, #ARGV, 4 do
    local lead, workspace, due, wait = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if wait > 0 then due = math.max(due, now + wait) end
    local holder, is_started, deadline, shard = read_lease(lead, shards)
    if holder and holder ~= '' and not is_started and is_lost(lead) then
        drop_lease(lead, shard, deadline)
        holder = nil
    end
    if not holder or is_started then -- else: the worker that starts it reads its due time
        local place = place_of(workspace)
        if not holder and due <= now and place.is_open and rooms[place.shard] > 0 then
            dispatch_leads(workspace, place.shard, {lead}, lease)
            redis.call('ZADD', PUTS, now, lead)
            rooms[place.shard] = rooms[place.shard] - 1
            for _, part in ipairs({lead, workspace, place.shard}) do dispatched[#dispatched + 1] = part end
        else
            redis.call('ZADD', leads_of(workspace), 'LT', due, lead)
            if due <= now then place.is_open = false end
        end
        touched[workspace] = true
    end
end
for workspace in pairs(touched) do update_index(workspace) end
return dispatched
"""

# ARGV: name, epoch, most leads, shards, queue limit, lease ms, number of the batch that was published last or "".
# Returns {-1} if the caller does not lead; else {what waits, ms until the next is due or -1, number of this batch, how
# many leads of the previous one were requeued, when their leases end, lead, workspace, shard, ...}.
# What waits: 0 nothing that is due, 1 for room in the queues, 2 for the next claim.
# All leads of a batch that was not published, by any dispatcher, are requeued before this claim looks.
CLAIM_BATCH: Final = """
if redis.call('GET', DISPATCHER) ~= ARGV[1] or redis.call('GET', EPOCH) ~= ARGV[2] then return {-1} end
local left, shards, limit, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('UNLINK', WAKE)
local number, returned = redis.call('GET', CLAIMS), 0
if number ~= ARGV[7] then returned = requeue(redis.call('ZRANGE', CLAIMED, 0, -1, 'WITHSCORES'), shards) end
redis.call('UNLINK', CLAIMED)
local batch, groups, order = {0, -1, tonumber(number or 0), returned, now + lease}, {}, {}
if redis.call('EXISTS', PAUSED) == 1 then return batch end
local head = #batch

-- Leads that a worker still has stay, and are checked again when its lease ends.
local function claim_from(workspace, shard, most)
    local scored = redis.call('ZRANGEBYSCORE', leads_of(workspace), '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
    if #scored == 0 then return 0, 0 end
    local found, free, unconfirmed = {}, {}, {}
    for at = 1, #scored, 2 do found[#found + 1] = scored[at] end
    local deadlines = redis.call('ZMSCORE', INFLIGHT, unpack(found))
    for at, lead in ipairs(found) do
        if deadlines[at] then
            redis.call('ZADD', leads_of(workspace), math.max(tonumber(deadlines[at]), now + 1000), lead)
        else
            free[#free + 1] = lead
            unconfirmed[#unconfirmed + 1], unconfirmed[#unconfirmed + 2] = scored[2 * at], lead
            batch[#batch + 1], batch[#batch + 2], batch[#batch + 3] = lead, workspace, shard
        end
    end
    if #free > 0 then
        dispatch_leads(workspace, shard, free, lease)
        redis.call('ZADD', CLAIMED, unpack(unconfirmed))
    end
    return #free, #found
end

-- In rounds, an equal share for every workspace, beginning after the one that was served last.
local function serve(shard, waiting, most)
    local last = tonumber(redis.call('HGET', TURN, shard) or 0)
    table.sort(waiting, function(one, other)
        local a, b = tonumber(one), tonumber(other)
        if (a > last) ~= (b > last) then return a > last end
        return a < b
    end)
    local served = {}
    while most > 0 and #waiting > 0 do
        local part, again = math.max(1, math.floor(most / #waiting)), {}
        for _, workspace in ipairs(waiting) do
            if most == 0 then
                again[#again + 1] = workspace
            else
                local wanted = math.min(part, most)
                local moved, found = claim_from(workspace, shard, wanted)
                most, last, served[workspace] = most - moved, workspace, true
                if found == wanted then again[#again + 1] = workspace end
            end
        end
        waiting = again
    end
    redis.call('HSET', TURN, shard, last)
    for workspace in pairs(served) do update_index(workspace) end
    for _, workspace in ipairs(waiting) do
        if tonumber(redis.call('ZSCORE', SCHEDULE, workspace) or now + 1) <= now then return true end
    end
    return false
end

for _, workspace in ipairs(redis.call('ZRANGEBYSCORE', SCHEDULE, '-inf', now)) do
    if not is_paused(workspace) then
        local shard = shard_for(workspace, shards)
        if not groups[shard] then
            groups[shard] = {}
            order[#order + 1] = shard
        end
        table.insert(groups[shard], workspace)
    end
end
for at, shard in ipairs(order) do
    local room = room_of(shard, limit)
    local most = math.min(room, math.ceil(left / (#order - at + 1)))
    local before = #batch
    if serve(shard, groups[shard], most) then batch[1] = math.max(batch[1], most < room and 2 or 1) end
    left = left - (#batch - before) / 3
end
local soon = redis.call('ZRANGEBYSCORE', SCHEDULE, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
if soon then batch[2] = tonumber(soon) - now end
if #batch > head then batch[3] = redis.call('INCR', CLAIMS) end
return batch
"""

# ARGV: lease ms, shards, queue limit, longest wanted wait in a queue in ms, then leads.
# Returns for each the ms at which its new lease ends, or 0: its lease is over, or another worker has it.
START: Final = """
local lease, shards, limit, target = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local started = {}
for at = 5, #ARGV do
    local lead = ARGV[at]
    local workspace, is_started, deadline, shard = read_lease(lead, shards)
    if not workspace or workspace == '' or (is_started and deadline > now) then
        started[#started + 1] = 0
    else
        if not is_started then
            redis.call('ZREM', ready_of(shard), lead)
            adjust_pace(shard, limit, target, now - (deadline - lease))
        end
        confirm(lead)
        redis.call('ZADD', INFLIGHT, now + lease, lead)
        redis.call('HSET', LEASES, lead, workspace .. '@' .. shard .. '!')
        started[#started + 1] = now + lease
    end
end
return started
"""

# ARGV: shards, then (lead, when its lease ends or "" for any lease of it, workspace or "" for that of the lease,
# due ms or "", least ms to wait)... . Returns for each 1 if that lease was held, else 0. A due time is put into the
# schedule either way.
RELEASE: Final = """
local shards, ended, touched = tonumber(ARGV[1]), {}, {}
for at = 2, #ARGV, 5 do
    local lead, deadline, workspace, due, wait = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local holder, _, held, shard = read_lease(lead, shards)
    local is_held = holder and (deadline == '' or tonumber(deadline) == held)
    if is_held then
        drop_lease(lead, shard or shard_of(holder, shards), held)
        -- Its due time was written again while it was in flight.
        if redis.call('ZSCORE', leads_of(holder), lead) then
            redis.call('ZADD', leads_of(holder), 'XX', now, lead)
            touched[holder] = true
        end
    end
    if workspace == '' then workspace = holder or '' end
    if due ~= '' and workspace ~= '' then
        redis.call('ZADD', leads_of(workspace), 'LT', math.max(tonumber(due), now + tonumber(wait)), lead)
        touched[workspace] = true
    end
    ended[#ended + 1] = is_held and 1 or 0
end
for workspace in pairs(touched) do update_index(workspace) end
return ended
"""

# ARGV: (lead, workspace)... . Returns how many were waiting.
WITHDRAW: Final = """
local gone = 0
for at = 1, #ARGV, 2 do
    gone = gone + redis.call('ZREM', leads_of(ARGV[at + 1]), ARGV[at])
    update_index(ARGV[at + 1])
end
return gone
"""
