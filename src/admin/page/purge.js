// Purges: counted first, asked about, carried out.

const KINDS = {
  soft: { button: "Mark stale…", yes: "Mark stale", done: "Marked stale", title: "Mark stale?", then: "served as stale until it is refreshed, which the next request for it starts." },
  hard: { button: "Remove…", yes: "Remove", done: "Removed", title: "Remove?", then: "gone at once; the next request for it waits for the upstream." },
};

const named = (target) => Object.entries(target).map(([kind, name]) => `${kind === "url" ? "URL" : kind} ${name}`)[0];
const stored = (n) => plural(n, "stored response", "stored responses");

function purgeButtons(target) {
  const button = (text, className, act) => {
    const made = el("button", { type: "button", className, textContent: text });
    made.addEventListener("click", () => attempt(act));
    return made;
  };
  const name = Object.keys(target)[0];
  return [
    button("Dry run", "quiet", () => dryRun(target)),
    button(KINDS.soft.button, "quiet", () => purge(target, "soft")),
    button(KINDS.hard.button, "grave", () => purge(target, "hard")),
    el("span", { textContent: `this ${name === "url" ? "URL" : name}` }),
  ];
}

const counted = async (target) => (await call("purge", { ...target, dry_run: true })).entries;

async function dryRun(target) {
  tell(`A purge of ${named(target)} would take ${stored(await counted(target))}.`);
}

async function purge(target, kind) {
  const { title, yes, then, done } = KINDS[kind];
  const entries = await counted(target);
  if (entries === 0) return tell(`Nothing is stored for ${named(target)} any more.`);
  const text = `${stored(entries)} of ${named(target)}: ${then}`;
  if (!(await confirmed(title, text, yes))) return tell("Nothing was changed.");
  const purged = await call("purge", { ...target, soft: kind === "soft" });
  await again();
  tell(`${done}: ${stored(purged.entries)} of ${named(target)}.`);
}

function confirmed(title, text, yes) {
  const dialog = $("confirm");
  put("confirm-title", title);
  put("confirm-text", text);
  put("confirm-yes", yes);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

$("confirm-no").addEventListener("click", () => $("confirm").close("no"));
$("confirm-yes").addEventListener("click", () => $("confirm").close("yes"));

// The page begins here: all parts are there.
const HAS_TOKEN = $("lookup").dataset.token === "yes";
$("unlock").hidden = !HAS_TOKEN;
$("locked-for-good").hidden = HAS_TOKEN;
poll();
