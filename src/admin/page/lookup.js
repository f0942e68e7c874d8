// What is stored, for those who know the token. It is kept in memory only, and goes nowhere but to the admin service.

let token = null;
let lastSearch = null;

const WORDS = {
  fresh: "fresh",
  stale: "stale, served while it is refreshed",
  stale_error: "stale, served because refreshes fail",
  on_error: "too old, served if a fetch fails",
  revalidate: "too old, kept to be confirmed",
  gone: "over",
};

async function call(path, body) {
  const headers = { authorization: `Bearer ${token}` };
  const request = { cache: "no-store", headers, signal: AbortSignal.timeout(PATIENCE * 6) };
  if (body) Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(BASE + path, request);
  if (answer.status === 401) {
    lock();
    throw new Error("This is not the token.");
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `status ${answer.status}`);
  return content;
}

function tell(text, bad = false) {
  $("said").className = bad ? "bad" : "";
  put("said", text);
}

/** Runs what an operator asked for, and says what went wrong. */
async function attempt(what) {
  try {
    await what();
  } catch (error) {
    tell(error.name === "TimeoutError" ? "No answer in time." : error.message, true);
  }
}

function lock() {
  token = null;
  for (const id of ["search", "found", "found-actions", "entry"]) $(id).hidden = true;
  $("unlock").hidden = false;
  $("token").value = "";
  $("token").focus();
}

$("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value;
  attempt(async () => {
    await search("text", "");
    $("token").value = "";
    $("unlock").hidden = true;
    $("search").hidden = false;
    $("sought").focus();
  });
});

$("lock").addEventListener("click", () => {
  lock();
  tell("Locked.");
});

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => search($("by").value, $("sought").value));
});

async function search(by, sought) {
  const { entries, more } = await call(`entries?${new URLSearchParams({ [by]: sought })}`);
  lastSearch = [by, sought];
  $("entry").hidden = true;
  $("found").hidden = entries.length === 0;
  fill($("found"), entries.map(foundRow));
  tell(more ? `The first ${entries.length}; there are more. Search for more of the key, for a tag or a URL.` : `${plural(entries.length, "key", "keys")} found.`);
  const actions = $("found-actions");
  actions.hidden = by === "text" || entries.length === 0;
  actions.replaceChildren(...purgeButtons({ [by]: sought }));
}

const again = () => (lastSearch ? search(...lastSearch) : null);

function foundRow({ key, state, status, age_seconds: age, hits, body_bytes: size, tags, responses }) {
  const open = el("button", { type: "button", className: "link", textContent: key });
  open.addEventListener("click", () => attempt(() => showEntry(key)));
  const more = responses > 1 ? ` (+ ${responses - 1} more)` : "";
  return [{ node: open }, state.replaceAll("_", " "), `${status}${more}`, span(age), count(hits), bytes(size), tags.join(", ") || NONE];
}

async function showEntry(key) {
  const { responses } = await call(`entry?${new URLSearchParams({ key })}`);
  const entry = $("entry");
  const title = el("h3", { textContent: key });
  const actions = el("div", { className: "actions" }, ...purgeButtons({ key }));
  entry.replaceChildren(title, actions, ...responses.map(details));
  entry.hidden = false;
  entry.focus();
  entry.scrollIntoView({ block: "nearest" });
}

function details(response) {
  const list = el("dl");
  const add = (name, ...value) => list.append(el("dt", { textContent: name }), el("dd", {}, ...value));
  const at = (text) => (text ? `${text.replace("T", " ").replace("Z", " UTC")}` : NONE);
  add("State", WORDS[response.state] ?? response.state);
  add("Status", String(response.status));
  add("Route", response.route);
  add("Age", span(response.age_seconds));
  add("Hits", count(response.hits));
  add("Stored", at(response.cached_at));
  add("Fresh until", at(response.fresh_until));
  add("By the word of", response.source_field ?? response.source.replaceAll("_", " "));
  add("Stale until", at(response.stale_until));
  add("On failure until", at(response.error_until));
  add("Kept until", at(response.keep_until));
  add("Size", `${bytes(response.body_bytes)}, ${bytes(response.stored_bytes)} with all that belongs to it`);
  add("Tags", ...(response.tags.length ? response.tags.map(tagButton) : [NONE]));
  const headers = el("dl", { className: "headers" });
  for (const { name, value } of response.headers) {
    headers.append(el("dt", { textContent: name }), el("dd", { textContent: value ?? "(not shown)" }));
  }
  return el("div", {}, list, el("h2", { textContent: "Headers" }), headers);
}

function tagButton(tag) {
  const button = el("button", { type: "button", className: "link", textContent: tag });
  button.addEventListener("click", () => {
    $("by").value = "tag";
    $("sought").value = tag;
    attempt(() => search("tag", tag));
    $("sought").focus();
  });
  return el("span", {}, button, " ");
}
