// The figures on the page.

const SVG = "http://www.w3.org/2000/svg";

/** Ratios as a line, with a gap where there was no request. */
function line(slots, counter, closed = false) {
  const x = (n) => ((n * 300) / Math.max(slots.length - 1, 1)).toFixed(1);
  let path = "";
  let begun = null;
  slots.forEach((slot, n) => {
    if (slot.requests) {
      const y = (100 - (100 * slot[counter]) / slot.requests).toFixed(1);
      // A point alone is drawn, too.
      path += begun === null ? `M${x(n)} ${closed ? "100V" : ""}${y}h.1` : `L${x(n)} ${y}`;
      begun ??= n;
    }
    const ends = begun !== null && (!slot.requests || n === slots.length - 1);
    if (ends && closed) path += "V100Z";
    if (!slot.requests) begun = null;
  });
  return path;
}

function draw(slots) {
  const paths = [
    ["area", line(slots, "from_memory", true)],
    ["grid", "M0 0H300M0 50H300M0 100H300"],
    ["hit", line(slots, "from_memory")],
    ["fresh", line(slots, "fresh")],
  ];
  const svg = $("line");
  paths.forEach(([name, d], n) => {
    const path = svg.children[n] ?? svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", name);
    path.setAttribute("d", d);
  });
}

function showRatios(slots) {
  const { hit, fresh } = ratios(slots);
  put("hit", percent(hit));
  put("fresh", percent(fresh));
  put("stale", percent(hit === null ? null : hit - fresh));
  draw(slots);
  $("line").setAttribute("aria-label", `Line: ${percent(hit)} from memory, ${percent(fresh)} fresh`);
}

function showServed(routes, rates) {
  const seen = OUTCOMES.filter(([counter], n) => n === 0 || sum(routes, counter) > 0);
  const known = seen.map(([counter]) => rates.outcome(counter));
  put("rate", rate(known[0] === null ? null : known.reduce((all, one) => all + one, 0)));
  const bar = $("shares");
  while (bar.children.length > seen.length) bar.lastChild.remove();
  seen.forEach(([counter], n) => {
    const part = bar.children[n] ?? bar.appendChild(el("i"));
    part.className = counter;
    part.style.flexGrow = known[n] ?? 0;
  });
  const name = ([counter, word]) => ({ text: word, mark: `outcome ${counter}` });
  fill($("outcomes"), seen.map((one, n) => [name(one), rate(known[n]), count(sum(routes, one[0]))]));
}

function showCards({ routes, store }, rates) {
  showServed(routes, rates);
  const all = routes.reduce((all, route) => all + answered(route), 0);
  const calls = sum(routes, "upstream_calls");
  const saved = Math.max(all - calls, 0);
  put("saved", all ? percent(saved / all) : NONE);
  put("saved-of", `${count(saved)} of ${plural(all, "request", "requests")} made no call; ${rate(rates.calls())} calls a second`);

  const slow = (of) => extreme(routes, (route) => route[of]?.p99);
  const quantiles = (name, of) => [name, ...["p50", "p95", "p99"].map((p) => span(slow(of)?.[of][p]))];
  fill($("latency"), [quantiles("Hits", "from_cache_seconds"), quantiles("Misses", "from_upstream_seconds")]);
  put("latency-of", routes.length > 1 ? "of the slowest route each; all are below" : "");

  const least = extreme(routes, (route) => route.stale_runway_seconds, -1);
  put("runway", least ? `Runway ${span(least.stale_runway_seconds)}${routes.length > 1 ? `, the shortest: ${least.route}` : ""}` : "Nothing is stored.");

  const [failed, refused] = [sum(routes, "refresh_failures"), sum(routes, "refreshes_refused")];
  put("refreshed", count(sum(routes, "refresh_successes")));
  put("refreshes", `${count(failed)} failed, ${count(refused)} not tried`);

  const part = store.stored_bytes / store.capacity_bytes;
  put("used", bytes(store.stored_bytes));
  put("used-of", `of ${bytes(store.capacity_bytes)}`);
  $("used-bar").style.flexBasis = `${(part * 100).toFixed(1)}%`;
  put("keys", `${percent(part)}, ${plural(store.keys, "key", "keys")}`);
  put("fetches", count(store.fetches));
  put("inflight", `${bytes(store.inflight_bytes)} of bodies on their way`);
  put("store", `${plural(store.keys, "key", "keys")}, ${bytes(store.stored_bytes)} of ${bytes(store.capacity_bytes)}; ${plural(store.indexed, "tag or path", "tags and paths")} in the index.`);
}

const STATES = {
  closed: { text: "✓ closed", mark: "good" },
  open: { text: "✕ open", mark: "bad" },
  half_open: { text: "◐ half-open", mark: "warn" },
};
const MODES = { auto: "what it sees", open: "forced open", closed: "forced closed" };

function showBreakers(breakers) {
  const row = ({ name, state, remaining_seconds: left, failures, mode }) => [
    name,
    STATES[state] ?? state,
    left === null ? NONE : probe(left),
    count(failures),
    MODES[mode] ?? mode,
  ];
  fill($("breakers"), breakers.map(row));
  $("breakers").closest("section").hidden = breakers.length === 0;
}

function stateOf({ failing_seconds: failing, mode, serve_stale_until: until, breaker, observed_same: same, observed_different: different }) {
  if (failing != null) return { text: `▲ failing for ${span(failing)}`, mark: "bad" };
  if (mode === "observe") return { text: `▲ observe: ${count(different)} of ${count(same + different)} differ`, mark: "warn" };
  if (mode && mode !== "on") return { text: `▲ ${mode}`, mark: "warn" };
  if (until) return { text: `▲ stale until ${clock(until)}`, mark: "warn" };
  if (breaker && breaker.state !== "closed") return { text: `▲ breaker ${breaker.state.replace("_", "-")}`, mark: "bad" };
  return { text: "✓ ok", mark: "good" };
}

function showRoutes(routes, rates) {
  const pair = (quantiles) => (quantiles ? `${span(quantiles.p50)} · ${span(quantiles.p99)}` : NONE);
  const ttl = (seconds) => (seconds === null ? "by response" : span(seconds));
  const ttls = ({ soft_ttl_seconds: soft, hard_ttl_seconds: hard }) => (soft === hard ? ttl(soft) : `${ttl(soft)}, ${ttl(hard)}`);
  const row = (route) => [
    route.route,
    rate(rates.route(route.route)),
    count(answered(route)),
    percent(route.hit_ratio_5m),
    percent(route.fresh_ratio_5m),
    pair(route.from_cache_seconds),
    pair(route.from_upstream_seconds),
    span(route.stale_runway_seconds),
    `${count(route.refresh_failures)} of ${count(route.refresh_failures + route.refresh_successes)}`,
    ttls(route),
    stateOf(route),
  ];
  fill($("routes"), routes.map(row));
}

const SHOWN_EVENTS = 12;

function showEvents(events) {
  $("events").hidden = !events;
  if (!events) return;
  const row = ({ at, event, route, breaker, reason, suppressed, detail }) => [
    clock(at),
    event.replaceAll("_", " ") + (suppressed ? ` (and ${count(suppressed)} more)` : ""),
    [route, breaker && breaker !== route ? `breaker ${breaker}` : null].filter(Boolean).join(", ") || NONE,
    [reason?.replaceAll("_", " "), detail].filter(Boolean).join(": ") || NONE,
  ];
  fill($("events").querySelector("table"), events.length ? events.slice(0, SHOWN_EVENTS).map(row) : [[NONE, "none yet", NONE, NONE]]);
}

function showVerdict(health, rates) {
  const found = troubles(health);
  const served = ratios(slots).hit;
  const well = served === null ? "No requests in the last five minutes." : `${percent(served)} from memory, ${rate(rates.calls())} upstream calls a second.`;
  say(health.status, found.length ? found.join(" ") : well);
}

/** The first line: what is the matter. A change of it is read out, and not its every second. */
function say(status, why) {
  const verdict = $("verdict");
  if (verdict.className !== status) {
    verdict.className = status;
    put("announced", `Status: ${status}. ${why}`);
  }
  put("status", { ok: "OK", degraded: "Degraded", lost: "No connection" }[status] ?? status);
  put("why", why);
  document.body.classList.toggle("lost", status === "lost");
  document.title = status === "ok" ? "Cache status" : `▲ ${status} – Cache status`;
}
