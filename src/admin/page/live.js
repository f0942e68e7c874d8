// Asks once a second, less often while nobody answers, and not at all while nobody looks.

const EVERY = 1000;
const LONGEST = 30_000;
const PATIENCE = 5000;

const rates = new Rates();
let slots = [];
let slotsAge = Infinity;
let failures = 0;
let answeredAt = null;
let timer = null;
let asking = false;

async function ask(path) {
  const answer = await fetch(BASE + path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function poll() {
  timer = null;
  asking = true;
  try {
    const health = await ask("health/cache");
    // The line has a point for every ten seconds.
    if (slotsAge++ >= 10 || !slots.length) {
      slots = together(await ask("health/history"));
      slotsAge = 1;
    }
    failures = 0;
    answeredAt = performance.now();
    show(health);
  } catch (error) {
    failures += 1;
    rates.forget();
    lost();
  }
  asking = false;
  next(pause());
}

function show(health) {
  rates.add(health.routes, performance.now() / 1000);
  $("cards").hidden = false;
  $("lookup").hidden = false;
  $("store").closest("section").hidden = true;
  showCards(health, rates);
  showRatios(slots);
  showBreakers(health.breakers);
  showRoutes(health.routes, rates);
  showEvents(health.events);
  showVerdict(health, rates);
  put("link", `Live, ${new Date().toLocaleTimeString()}`);
}

const pause = () => Math.min(EVERY * 2 ** failures, LONGEST);

function lost() {
  const since = answeredAt === null ? "" : ` These figures are ${span((performance.now() - answeredAt) / 1000)} old.`;
  say("lost", `The admin service does not answer; asking again in ${span(pause() / 1000)}.${since}`);
  put("link", "Not live");
}

function next(wait) {
  if (timer === null && !asking && !document.hidden) timer = setTimeout(poll, wait);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  timer = null;
  if (document.hidden) return put("link", "Paused");
  rates.forget();
  slotsAge = Infinity;
  next(0);
});
