// The link to the server: requests go out one by one, states come in, each whole.

export const root = "../../"; // of the studio, below the token
const listeners = [];
const lost = document.getElementById("lost"), status = document.getElementById("status");
let fading = 0;

export let state = null;
export let facts = null;

export function say(text, error = false, lasts = error ? 9000 : 3500) {
  clearTimeout(fading);
  status.textContent = text;
  status.classList.toggle("error", error);
  status.classList.toggle("visible", Boolean(text));
  fading = setTimeout(() => status.classList.remove("visible"), lasts);
}

export async function act(request, quiet = false) {
  let answer;
  try {
    answer = await fetch("do", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request) });
  } catch {
    lost.hidden = false;
    return { error: "the studio does not answer" };
  }
  if (!answer.ok) {
    const error = (await answer.text()).trim();
    if (answer.status === 404 && error.startsWith("this session is over")) location.reload();
    if (!quiet) say(sentence(error), true);
    return { error };
  }
  const { said } = await answer.json();
  if (said && !quiet) say(sentence(said));
  return { said };
}

// Of many values of one thing in a row, only the newest is sent, and one at a time.
const waiting = new Map();
export function actSoon(name, request) {
  const under = waiting.get(name);
  if (under) {
    under.next = request;
    return;
  }
  const entry = { next: null };
  waiting.set(name, entry);
  act(request).then(() => new Promise(done => setTimeout(done, 60))).then(() => {
    waiting.delete(name);
    if (entry.next) actSoon(name, entry.next);
  });
}
export const isPending = name => waiting.has(name);

export function onState(listener) {
  listeners.push(listener);
}

export async function learn() {
  facts = await (await fetch("facts")).json();
}

// The studio answers, but not with a stream: it may have too many pages, or be another one by now.
async function again() {
  const answer = await fetch("facts").catch(() => null);
  if (answer?.status === 404) location.reload();
  else if (answer?.status === 403) lost.textContent = "The studio was started again: open the address that it prints now.";
  else listen();
}

export function listen() {
  const events = new EventSource("events");
  events.onmessage = event => {
    lost.hidden = true;
    const before = state;
    state = JSON.parse(event.data);
    for (const listener of listeners) listener(state, before);
  };
  events.onerror = () => {
    lost.hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(again, 2000);
  };
}

// A name of a file or of a setting, which may begin what is said, stays as it is.
export const sentence = text => (/^[a-z]+(?=[\s,;:]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text) + (/[.!?]$/.test(text) ? "" : ".");
export const picture = name => `${root}pictures/${name}.jpg`;
