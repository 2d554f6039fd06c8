-- A POST of BODY, REPEAT times over; at the end one line of JSON.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = string.rep(os.getenv("BODY"), tonumber(os.getenv("REPEAT")))

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"wallMs":%f,"errors":%d}\n',
    summary.requests,
    summary.duration / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
