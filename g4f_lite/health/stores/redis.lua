-- Applies commands of health/shared_state.py, in order, as ledger.py does: the clock is the server's.
-- KEYS[1] is the prefix of all keys; its hash tag keeps them on one node of a cluster.
-- ARGV: an id for the generation that begins if the data has been lost; the commands as MessagePack.
-- Numbers are doubles: amounts are exact up to MOST, and larger limits count as MOST.

local prefix, MOST, NEVER = KEYS[1], 9007199254740991, -1
local DAY, HOUR, HELD_POLL_MS = 86400000, 3600000, 50
local QUARANTINE_MS, LATE_MS, POLL_MS, GAP_MS, SILENT_MS = 1500, 6000, 100, 250, 1200
local AGREE_MS, MEMBER_MS, SETTLED_MS, KEPT_EVENTS = 10000, 5000, 60000, 4096
local SHARE_MS, PRESSED_MS, NUDGE_MS, LAST_LOOK = 75000, 2000, 40, 4503599627370496
local SLIDING = {minute = {250, 244}, ['24h'] = {360000, 241}}
local KEPT = {parallel = DAY, minute = DAY, ['24h'] = 3 * DAY, day = 3 * DAY, week = 10 * DAY, month = 40 * DAY,
  total = 400 * DAY}
local ENDS, EVENTS, NUMBERS, MEMBERS = prefix .. ':ends', prefix .. ':events', prefix .. ':numbers', prefix .. ':members'
local SHARERS, RESTORED, RETURNED = prefix .. ':sharers', prefix .. ':restored', prefix .. ':returned'
local WAITS = 2 -- in the place of whether others hold it: it is only kept free, or nothing is given out yet
local told = false -- there is something to look at

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The end of the month: civil_from_days of Howard Hinnant, for years after 1970.
local function month_end(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local mp = math.floor((5 * (doe - 365 * yoe - math.floor(yoe / 4) + math.floor(yoe / 100)) + 2) / 153)
  local year, following = yoe + era * 400, mp + 1 -- of years and months that begin in March
  if following == 12 then year, following = year + 1, 0 end
  local first = 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return (first + math.floor((153 * following + 2) / 5) - 719468) * DAY
end

local function window_end(window, at)
  local days = math.floor(at / DAY)
  if window == 'day' then return (days + 1) * DAY end
  if window == 'week' then return (days + 7 - (days + 3) % 7) * DAY end
  if window == 'month' then return month_end(days) end
end

-- What is used of one limit, and of that what is held and presumed: in the hash of its key, and for a window that
-- slides also by bucket (`u`, `h`, `p` and the number); besides, what is kept free for the shares of members, and when
-- somebody had no room because of that. Each is read once, and written after the last command.
local accounts = {}

local function account(amount)
  local key = prefix .. ':limit:' .. amount[1] .. '|' .. amount[2] .. '|' .. amount[3]
  if accounts[key] then return accounts[key] end
  local row = redis.call('HMGET', key, 'used', 'held', 'presumed', 'restored', 'ends_at', 'first', 'restored_in',
    'kept', 'pressed_at')
  local one = {key = key, window = amount[3], used = tonumber(row[1]) or 0, held = tonumber(row[2]) or 0,
    presumed = tonumber(row[3]) or 0, restored = tonumber(row[4]), ends_at = tonumber(row[5]),
    first = tonumber(row[6]), restored_in = tonumber(row[7]), kept = tonumber(row[8]) or 0,
    pressed_at = tonumber(row[9]) or 0, buckets = {}}
  accounts[key] = one
  local ends_at = window_end(one.window, now)
  if ends_at ~= one.ends_at then -- another window of the calendar
    one.ends_at, one.used, one.held, one.presumed, one.restored = ends_at, 0, 0, 0, one.restored and 0
  end
  if SLIDING[one.window] then one.size, one.count = unpack(SLIDING[one.window]) end
  return one
end

local function numbers(letter, from, to)
  local names = {}
  for number = from, to do names[#names + 1] = letter .. string.format('%.0f', number) end
  return names
end

-- Forget the buckets that do not count any more.
local function slide(one)
  one.oldest = math.floor(now / one.size) - one.count
  if not one.first or one.first >= one.oldest then return end
  for letter, name in pairs({u = 'used', h = 'held', p = 'presumed'}) do
    local names = numbers(letter, one.first, math.min(one.oldest - 1, one.first + one.count))
    for _, amount in ipairs(redis.call('HMGET', one.key, unpack(names))) do
      one[name] = one[name] - (tonumber(amount) or 0)
    end
    redis.call('HDEL', one.key, unpack(names))
  end
  one.first, one.changed = one.oldest, true
  if one.restored and one.restored_in < one.oldest then one.restored = 0 end
end

local function current(amount)
  local one = account(amount)
  if one.size and not one.oldest then slide(one) end
  return one
end

-- Change what is used in the window or bucket of a moment, unless that is over.
local function change(one, at, used, held, presumed)
  if one.ends_at and window_end(one.window, at) ~= one.ends_at then return end
  if one.size then
    local number = math.floor(at / one.size)
    if number < one.oldest then return end
    local bucket = one.buckets[number] or {u = 0, h = 0, p = 0}
    bucket.u, bucket.h, bucket.p = bucket.u + used, bucket.h + held, bucket.p + presumed
    one.buckets[number], one.first = bucket, math.min(one.first or number, number)
  end
  one.used, one.held, one.presumed = one.used + used, one.held + held, one.presumed + presumed
  one.changed = true
end

local function save()
  for key, one in pairs(accounts) do
    if one.changed then
      local fields = {'used', one.used, 'held', one.held, 'presumed', one.presumed, 'kept', one.kept,
        'pressed_at', one.pressed_at}
      for name, value in pairs({ends_at = one.ends_at, first = one.first, restored = one.restored,
          restored_in = one.restored_in}) do
        fields[#fields + 1], fields[#fields + 2] = name, value
      end
      redis.call('HSET', key, unpack(fields))
      for number, bucket in pairs(one.buckets) do
        for letter, amount in pairs(bucket) do
          if amount ~= 0 then redis.call('HINCRBY', key, letter .. string.format('%.0f', number), amount) end
        end
      end
      redis.call('PEXPIRE', key, KEPT[one.window])
    end
  end
end

-- When no more than `room` is spent, if all that is held is given back.
local function room_in(one, room)
  if room < 0 then return NEVER end
  if one.ends_at then return one.ends_at - now end
  if not one.size then return NEVER end
  local last = math.floor(now / one.size)
  local from, spent = one.first or last, one.used - one.held
  local used = redis.call('HMGET', one.key, unpack(numbers('u', from, last)))
  local held = redis.call('HMGET', one.key, unpack(numbers('h', from, last)))
  for number = from, last do
    local index, bucket = number - from + 1, one.buckets[number] or {u = 0, h = 0}
    spent = spent - (tonumber(used[index]) or 0) - bucket.u + (tonumber(held[index]) or 0) + bucket.h
    if spent <= room then return (number + one.count + 1) * one.size - now end
  end
  return (last + one.count + 1) * one.size - now
end

-- The refusal with the longest wait, or nil.
local function refusal(amounts)
  local refused, longest, taken = nil, -1, {}
  for index, amount in ipairs(amounts) do
    local one, limit = current(amount), math.min(amount[4], MOST)
    local wanted = (taken[one.key] or 0) + amount[5]
    taken[one.key] = wanted
    local waits = one.used + wanted <= limit
    if waits and one.used + one.kept + wanted > limit then
      told = told or now - one.pressed_at > NUDGE_MS -- so that members give back their shares
      one.pressed_at, one.changed = now, true
    end
    if one.used + one.kept + wanted > limit then
      local held = one.used - one.held + wanted <= limit
      local wait_ms = held and HELD_POLL_MS or room_in(one, limit - wanted)
      local until_then = wait_ms == NEVER and math.huge or wait_ms
      if until_then > longest or (until_then == longest and refused[4] == WAITS and not waits) then
        refused, longest = {1, index - 1, wait_ms, waits and WAITS or held}, until_then
      end
    end
  end
  for _, amount in ipairs(refused and amounts or {}) do refused[#refused + 1] = current(amount).used end
  return refused
end

local function reserved_key(id) return prefix .. ':reserved:' .. id end

-- Of a reservation is kept: its amounts, or none once it is settled; when it was made; whether it expired; its answer.
local function keep(id, amounts, at, expired, answer, ms)
  redis.call('SET', reserved_key(id), cmsgpack.pack({amounts, at, expired, answer}), 'PX', ms)
end

-- Count what was used instead of what is held, or presumed.
local function finish(amount, at, expired, used, presumed)
  local one, reserved = current(amount), amount[5]
  local held = expired and 0 or -reserved
  if one.window == 'parallel' then
    change(one, at, held, held, 0)
  else
    change(one, at, used - reserved, held, presumed and reserved or expired and -reserved or 0)
  end
end

local function expire()
  repeat
    local due = redis.call('ZRANGEBYSCORE', ENDS, '-inf', now, 'LIMIT', 0, 500)
    for _, id in ipairs(due) do
      local packed = redis.call('GET', reserved_key(id))
      if packed then
        local amounts, at, _, answer = unpack(cmsgpack.unpack(packed))
        for _, amount in ipairs(amounts) do finish(amount, at, false, amount[5], true) end
        keep(id, amounts, at, true, answer, HOUR)
      end
      redis.call('ZREM', ENDS, id)
    end
  until #due < 500
end

-- One that was there before the loss has not come back, and may have used its share of a minute, or of a grace. What was
-- kept free before the loss, and is not for those that are there, counts as spent.
local function presume()
  local rows = redis.call('HGETALL', RESTORED)
  for index = 1, #rows, 2 do
    local one = current(cmsgpack.unpack(rows[index]))
    local limit, kept = unpack(cmsgpack.unpack(rows[index + 1]))
    local unknown = math.min(kept, limit - one.used) - one.kept
    if unknown > 0 then change(one, now, unknown, 0, unknown) end
  end
end

local function kept_before(amount)
  local row = redis.call('HGET', RESTORED, cmsgpack.pack({amount[1], amount[2], amount[3]}))
  return row and cmsgpack.unpack(row)[2] or 0
end

-- How many have looked that were there before the loss, and that were not.
local function count_returned()
  local counts = {['1'] = 0, ['0'] = 0}
  for _, was_there in ipairs(redis.call('HVALS', RETURNED)) do counts[was_there] = counts[was_there] + 1 end
  return counts['1'], counts['0']
end

local generation = redis.call('HMGET', prefix .. ':generation', 'id', 'began', 'number', 'seen', 'members',
  'born')
if not generation[1] then
  -- Events are numbered on from the time, so that no number of an earlier generation comes again.
  generation = {ARGV[1], now, now, false, false, now}
  redis.call('HSET', prefix .. ':generation', 'id', ARGV[1], 'began', now, 'number', now, 'born', now)
  redis.call('PEXPIRE', prefix .. ':generation', 400 * DAY)
end
local quarantine, born = tonumber(generation[2]) + QUARANTINE_MS - now, tonumber(generation[6] or 0)
if generation[4] then -- in quarantine still, as far as is known
  -- If nobody has asked for so long, the server may have been paused, so that those who know what was used before are
  -- late to tell: they look once a second. Those who wait ask more often. If nobody has looked, it was paused.
  local gap = now - tonumber(generation[4])
  if gap > SILENT_MS then born = now end
  if gap > GAP_MS and now - born < LATE_MS then
    quarantine = QUARANTINE_MS
    redis.call('HSET', prefix .. ':generation', 'began', now, 'born', born)
  end
end
if quarantine <= 0 and generation[5] then -- the members before the loss may be late to tell
  local missing = count_returned() < tonumber(generation[5])
  if missing and now - born < LATE_MS then
    quarantine = HELD_POLL_MS
  else
    if missing then presume() end
    redis.call('HDEL', prefix .. ':generation', 'members')
    redis.call('DEL', RESTORED, RETURNED)
  end
end
if quarantine > 0 then
  redis.call('HSET', prefix .. ':generation', 'seen', now)
elseif generation[4] then
  redis.call('HDEL', prefix .. ':generation', 'seen')
end
local last_number = tonumber(generation[3])
local apply = {}

-- Granted: 0, and what is left of each limit. Refused: 1, the index, the wait, whether others hold it, and what is used
-- of each limit.
function apply.Reserve(id, amounts, lease_ms, _, granted)
  local packed = redis.call('GET', reserved_key(id))
  if packed then return cmsgpack.unpack(packed)[4] end
  if #amounts == 0 then return {0} end
  if not granted then
    local refused = quarantine > 0 and {1, 0, math.min(quarantine, POLL_MS), WAITS}
    for _, amount in ipairs(refused and amounts or {}) do refused[#refused + 1] = current(amount).used end
    refused = refused or refusal(amounts)
    if refused then return refused end
  end
  for _, amount in ipairs(amounts) do
    amount[5] = math.min(amount[5], MOST)
    change(current(amount), now, amount[5], amount[5], 0)
  end
  local answer = {0}
  for index, amount in ipairs(amounts) do
    answer[index + 1] = math.min(amount[4], MOST) - current(amount).used
  end
  keep(id, amounts, now, false, answer, lease_ms + HOUR)
  redis.call('ZADD', ENDS, now + lease_ms, id)
  redis.call('PEXPIRE', ENDS, DAY)
  return answer
end

function apply.Settle(id, used)
  local packed = redis.call('GET', reserved_key(id))
  if not packed then return false end
  local amounts, at, expired, answer = unpack(cmsgpack.unpack(packed))
  if #amounts == 0 then return false end
  for index, amount in ipairs(amounts) do
    finish(amount, at, expired, math.max(0, math.min(used[index] or amount[5], MOST)), false)
  end
  redis.call('ZREM', ENDS, id)
  keep(id, {}, at, expired, answer, SETTLED_MS)
  return false
end

function apply.Renew(ids, lease_ms)
  for _, id in ipairs(ids) do
    if redis.call('ZSCORE', ENDS, id) then
      redis.call('ZADD', ENDS, now + lease_ms, id)
      redis.call('PEXPIRE', reserved_key(id), lease_ms + HOUR)
    end
  end
  return false
end

function apply.Restore(used, members, kept)
  if quarantine > 0 then
    generation[5] = math.max(tonumber(generation[5]) or 0, members)
    redis.call('HSET', prefix .. ':generation', 'members', generation[5])
  end
  for index, amount in ipairs(used) do
    local one, total = current(amount), math.min(amount[5], MOST)
    local restored = one.restored or 0
    if quarantine > 0 and kept[index] and (one.window == 'minute' or amount[2] == 'grace') then
      local row = cmsgpack.pack({math.min(amount[4], MOST), math.max(kept[index], kept_before(amount))})
      redis.call('HSET', RESTORED, cmsgpack.pack({amount[1], amount[2], amount[3]}), row)
      redis.call('PEXPIRE', RESTORED, HOUR)
    end
    if total > restored and one.window ~= 'parallel' then
      change(one, now, total - restored, 0, 0)
      one.restored, one.restored_in = total, one.size and math.floor(now / one.size) or 0
    end
  end
  return false
end

function apply.BeginProbe(name, id, lease_ms)
  local key = prefix .. ':probe:' .. name
  if redis.call('SET', key, id, 'NX', 'PX', math.max(1, lease_ms)) then return true end
  if redis.call('GET', key) ~= id then return false end
  redis.call('PEXPIRE', key, math.max(1, lease_ms))
  return true
end

function apply.EndProbe(name, id)
  local key = prefix .. ':probe:' .. name
  if redis.call('GET', key) == id then redis.call('DEL', key) end
  return false
end

-- Whether another host has said the same, and the later end.
local function agreed(field, host, ends_at)
  local key, found = prefix .. ':hosts:' .. field, false
  redis.call('HSET', key, host, cmsgpack.pack({now, ends_at}))
  redis.call('PEXPIRE', key, HOUR)
  local rows = redis.call('HGETALL', key)
  for index = 1, #rows, 2 do
    local at, ends = unpack(cmsgpack.unpack(rows[index + 1]))
    if rows[index] ~= host and at >= now - AGREE_MS then
      found, ends_at = true, math.max(ends_at, ends)
    end
  end
  return found, ends_at
end

function apply.Tell(event)
  local field, ends_at, host = event[1] .. cjson.encode(event[2]), now + event[3], event[6]
  if ends_at <= now then return false end
  if host ~= '' then
    local found
    found, ends_at = agreed(field, host, ends_at)
    if not found then return false end
  end
  local known = redis.call('HGET', EVENTS, field)
  if known and cmsgpack.unpack(known)[3] >= ends_at then return false end
  event[3], event[6] = ends_at, ''
  last_number, told = last_number + 1, true
  redis.call('HSET', EVENTS, field, cmsgpack.pack(event))
  redis.call('ZADD', NUMBERS, last_number, field)
  if redis.call('ZCARD', NUMBERS) > KEPT_EVENTS then
    redis.call('HDEL', EVENTS, redis.call('ZPOPMIN', NUMBERS)[1])
  end
  local kept = math.max(redis.call('PTTL', EVENTS), ends_at - now + HOUR)
  redis.call('PEXPIRE', EVENTS, kept)
  redis.call('PEXPIRE', NUMBERS, kept)
  return false
end

local function events_since(since)
  local events = {}
  if since == last_number then return events end
  local fields = redis.call('ZRANGEBYSCORE', NUMBERS, '(' .. string.format('%.0f', since), '+inf')
  for _, field in ipairs(fields) do
    local packed = redis.call('HGET', EVENTS, field)
    local event = packed and cmsgpack.unpack(packed)
    if event and event[3] > now then
      event[3] = event[3] - now
      events[#events + 1] = event
    else
      redis.call('HDEL', EVENTS, field)
      redis.call('ZREM', NUMBERS, field)
    end
  end
  return events
end

-- Keep free what a member asks for, and not what it kept before.
local function keep_free(member, shares, number)
  local key, before = prefix .. ':share:' .. member, {}
  local packed = redis.call('GET', key)
  local known = packed and cmsgpack.unpack(packed)
  if known and number < known[1] then return false end
  for _, share in ipairs(known and known[2] or {}) do
    local one = current(share)
    one.kept, one.changed = one.kept - share[4], true
  end
  for _, share in ipairs(shares) do
    local one = current(share)
    one.kept, one.changed = one.kept + share[4], true
  end
  redis.call('SET', key, cmsgpack.pack({number, shares}), 'PX', DAY)
  return true
end

-- A member that is silent is gone, but not if all were: then the server was away.
local function forget_sharers()
  local last = redis.call('ZREVRANGE', SHARERS, 0, 0, 'WITHSCORES')
  if not last[1] then return end
  if now - tonumber(last[2]) > SILENT_MS then
    for _, member in ipairs(redis.call('ZRANGE', SHARERS, 0, -1)) do redis.call('ZADD', SHARERS, now, member) end
    return
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', SHARERS, '-inf', now - SHARE_MS)) do
    local packed = redis.call('GET', prefix .. ':share:' .. member)
    keep_free(member, {}, math.huge)
    for _, share in ipairs(packed and cmsgpack.unpack(packed)[2] or {}) do
      -- It may have spent it, and could not tell.
      if share[2] == 'grace' then change(current(share), now, share[4], 0, share[4]) end
    end
    redis.call('DEL', prefix .. ':share:' .. member)
    redis.call('ZREM', SHARERS, member)
  end
end

-- Half of what is left is for the shares of all, unless somebody waits for it; all of a grace.
local function divide(member, shares, number, members, place)
  forget_sharers()
  local kept, answers, used, all = {}, {}, {}, {}
  for index, share in ipairs(shares) do kept[index] = {share[1], share[2], share[3], math.min(share[5], MOST)} end
  redis.call(number < LAST_LOOK and 'ZADD' or 'ZREM', SHARERS, unpack(number < LAST_LOOK and {now, member} or {member}))
  redis.call('PEXPIRE', SHARERS, DAY)
  if not keep_free(member, kept, number) then return answers, used, all end
  for index, share in ipairs(shares) do
    local one, limit, asked = current(share), math.min(share[4], MOST), kept[index][4]
    local left = math.max(0, limit - one.used)
    local half = now - one.pressed_at < PRESSED_MS and 0 or share[2] == 'grace' and left or math.floor(left / 2)
    local fair = math.floor(half / members) + (place < half % members and 1 or 0)
    if quarantine > 0 then fair = asked end
    local more = math.max(0, math.min(fair - asked, limit - one.used - one.kept))
    one.kept, kept[index][4] = one.kept + more, asked + more
    answers[index], used[index] = math.min(fair, asked + more), one.used
    all[index] = math.max(one.kept, quarantine > 0 and kept_before(share) or 0)
  end
  redis.call('SET', prefix .. ':share:' .. member, cmsgpack.pack({number, kept}), 'PX', DAY)
  return answers, used, all
end

-- At the end, for a server that loses its data: what is used of each limit, what is kept free of it, and for how many.
function apply.Look(since, member, shares, number)
  -- The others learn at once that there is one more with whom they share.
  if redis.call('ZADD', MEMBERS, now, member) == 1 then told = true end
  redis.call('ZREMRANGEBYSCORE', MEMBERS, '-inf', now - MEMBER_MS)
  redis.call('PEXPIRE', MEMBERS, HOUR)
  redis.call('PEXPIRE', prefix .. ':generation', 400 * DAY)
  local members, place = redis.call('ZRANGE', MEMBERS, 0, -1), 0
  for _, other in ipairs(members) do
    if other < member then place = place + 1 end
  end
  local answers, used, all = {}, {}, {}
  if number > 0 then answers, used, all = divide(member, shares, number, #members, place) end
  if quarantine > 0 then -- who comes back knows an event of the time before, or that there was none
    redis.call('HSETNX', RETURNED, member, since > 0 and 1 or 0)
    redis.call('PEXPIRE', RETURNED, HOUR)
  end
  local sharers = redis.call('ZCARD', SHARERS)
  if quarantine > 0 and generation[5] then -- if it loses its data again, those that are not back yet are still missing
    local _, others = count_returned()
    sharers = math.max(sharers, generation[5] + others)
  end
  return {last_number, events_since(since), #members, place, answers, used, all, sharers}
end

-- No command: what is used of the limits of a scope.
function apply.Used(scope)
  local found = {}
  for _, unit in ipairs({'calls', 'requests', 'tokens', 'nano-usd', 'grace'}) do
    for window in pairs(KEPT) do
      local amount = {scope, unit, window}
      if redis.call('EXISTS', account(amount).key) == 1 then
        local one = current(amount)
        found[#found + 1] = {unit, window, one.used - one.held, one.held, one.presumed}
      end
    end
  end
  return found
end

expire()
local answers = {}
for index, command in ipairs(cmsgpack.unpack(ARGV[2])) do
  answers[index] = apply[command[1]](unpack(command, 2, 6))
end
save()
if told then
  redis.call('HSET', prefix .. ':generation', 'number', last_number)
  redis.call('PUBLISH', prefix .. ':told', last_number)
end
return cmsgpack.pack({generation[1], now, answers})
