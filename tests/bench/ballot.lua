-- wrk: each request is a new ballot with its own key and its own device.
local paths = os.getenv("BALLOT_PATH")
local option = os.getenv("BALLOT_OPTION")
local seed = os.getenv("BALLOT_SEED") or "s"
local n = 0
local id = 0
function setup(thread) id = id + 1; thread:set("thread_id", id) end
function request()
  n = n + 1
  return wrk.format("POST", paths, {
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = string.format("%s-%d-%d-bench", seed, thread_id, n),
  }, '{"options":["' .. option .. '"]}')
end
local bad = 0
function response(status) if status ~= 201 then bad = bad + 1 end end
function done(summary, latency)
  io.write(string.format("p50_us %d\np99_us %d\n", latency:percentile(50), latency:percentile(99)))
end
