// What the figures mean: sums over routes, rates between polls, and what is wrong.

/** The outcomes of requests, as the counters are called, and as `Cache-Status` and metrics call them. */
const OUTCOMES = [
  ["hits", "hit"],
  ["stale_serves", "stale"],
  ["stale_error_serves", "stale_error"],
  ["revalidated", "revalidated"],
  ["misses", "miss"],
  ["uncacheable", "uncacheable"],
  ["rejected", "rejected"],
  ["bypassed", "bypass"],
];

const answered = (route) => OUTCOMES.reduce((sum, [counter]) => sum + route[counter], 0);

const sum = (routes, counter) => routes.reduce((sum, route) => sum + route[counter], 0);

/** Counters of the last few seconds, for rates: of a route by its name, and of all. */
class Rates {
  #samples = [];
  static #SECONDS = 5;

  add(routes, now) {
    const counters = new Map();
    for (const route of routes) {
      counters.set(route.route, answered(route));
      for (const [counter] of OUTCOMES) {
        const key = ` ${counter}`;
        counters.set(key, (counters.get(key) ?? 0) + route[counter]);
      }
      counters.set(" calls", (counters.get(" calls") ?? 0) + route.upstream_calls);
    }
    const last = this.#samples.at(-1);
    const restarted = last && [...last.counters].some(([key, n]) => (counters.get(key) ?? 0) < n);
    if (restarted) this.#samples = [];
    this.#samples.push({ now, counters });
    while (this.#samples.length > 2 && this.#samples[0].now < now - Rates.#SECONDS) this.#samples.shift();
  }

  /** Nothing is known of what was counted while nobody asked. */
  forget() {
    this.#samples = [];
  }

  #of(key) {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || last.now <= first.now) return null;
    return ((last.counters.get(key) ?? 0) - (first.counters.get(key) ?? 0)) / (last.now - first.now);
  }

  route(name) { return this.#of(name); }
  outcome(counter) { return this.#of(` ${counter}`); }
  calls() { return this.#of(" calls"); }
}

/** The slots of all routes together. */
function together(history) {
  const slots = [];
  for (const route of history.routes) {
    route.slots.forEach((slot, n) => {
      slots[n] ??= { requests: 0, from_memory: 0, fresh: 0 };
      for (const counter in slots[n]) slots[n][counter] += slot[counter];
    });
  }
  return slots;
}

function ratios(slots) {
  const of = (counter) => slots.reduce((sum, slot) => sum + slot[counter], 0);
  const all = of("requests");
  return all ? { hit: of("from_memory") / all, fresh: of("fresh") / all } : { hit: null, fresh: null };
}

/** The route whose value is the largest, or with `-1` the smallest. */
function extreme(routes, value, sign = 1) {
  const known = routes.filter((route) => value(route) != null);
  return known.reduce((best, route) => (!best || sign * (value(route) - value(best)) > 0 ? route : best), null);
}

/** When an open breaker lets its probe through. */
const probe = (left) => (left > 0 ? `in ${Math.ceil(left)} s` : "with the next fetch");

/** What an operator has to know first, the worst first. */
function troubles({ breakers, routes, draining }) {
  const found = [];
  for (const { name, state, mode, remaining_seconds: left } of breakers) {
    if (mode === "open") found.push(`Breaker ${name} is forced open: nothing goes to its upstream.`);
    else if (state === "open") found.push(`Breaker ${name} is open, next probe ${probe(left)}.`);
    else if (state === "half_open") found.push(`Breaker ${name} waits for its probe.`);
    else if (mode === "closed") found.push(`Breaker ${name} is forced closed: it opens for no failure.`);
  }
  for (const { route, failing_seconds: failing } of routes) {
    if (failing != null) found.push(`${route} could not be refreshed for ${span(failing)}.`);
  }
  for (const { route, mode, serve_stale_until: until } of routes) {
    if (mode && mode !== "on") found.push(`${route} is set to ${mode}.`);
    if (until) found.push(`${route} serves stale until ${clock(until)}.`);
  }
  if (draining) found.push("Draining: no new requests are to be sent here.");
  return found.length > 4 ? [...found.slice(0, 3), `And ${found.length - 3} more.`] : found;
}
