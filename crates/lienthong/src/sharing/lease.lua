-- Gives leases of the common buckets KEYS to the node ARGV[1], one of ARGV[2].
--
-- ARGV goes on with five values for each bucket: capacity, milliseconds in which one token comes
-- back, tokens the node has spent, tokens it wants, and what it knows: 0 nothing, 1 the last answer,
-- 2 that there was none.
--
-- A bucket is a hash: its level, when that was true, and what each node holds until when. What
-- nodes hold is not in the bucket, and counts against its capacity until it has ended.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local node, nodes = 'n:' .. ARGV[1], tonumber(ARGV[2])
local grants = {}
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 5
  local capacity, interval = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local spent, wanted = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local standing = tonumber(ARGV[at + 5])
  local level, since, held, elsewhere = nil, now, 0, 0
  local fields = redis.call('HGETALL', key)
  for f = 1, #fields, 2 do
    local name, value = fields[f], fields[f + 1]
    if name == 'level' then
      level = tonumber(value)
    elseif name == 'at' then
      since = tonumber(value)
    else
      local tokens, ends = string.match(value, '(%d+):(%d+)')
      if tonumber(ends) <= now then
        redis.call('HDEL', key, name)
      elseif name == node then
        held = tonumber(tokens)
      else
        elsewhere = elsewhere + tonumber(tokens)
      end
    end
  end
  if not level then
    -- A bucket that nobody used is full; one that was lost may have been empty.
    level = standing == 0 and capacity or 0
  end
  level = level + held - spent + (now - since) / interval
  level = math.min(level, capacity - elsewhere)
  if standing == 2 then
    -- While nobody answered, every node has spent its part of what came back.
    level = math.min(level, 0)
  end
  level = math.max(level, -capacity)
  -- A part for each node, so that one that asks for much leaves some to the others.
  local grant = math.max(0, math.min(wanted, math.ceil(level / nodes), math.floor(level)))
  level = level - grant
  redis.call('HSET', key, 'level', tostring(level), 'at', now,
    node, string.format('%d:%d', grant, now + 1000))
  redis.call('PEXPIRE', key, math.ceil((capacity - level) * interval) + 2000)
  grants[i] = { grant, math.floor(level) }
end
return grants
