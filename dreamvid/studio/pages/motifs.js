// Motifs: classes and channels of the net, with pictures of them on the frame that is looked at.

import { act, onState, picture, sentence, state } from "./link.js";
import { button, el, keep, picturesTo, put } from "./parts.js";

const PAGE = 48, MOST = 4;
const KINDS = { groups: "Families", classes: "Things", channels: "Textures" };
const ONE = { groups: "family", classes: "thing", channels: "texture" };
let kind = "groups", words = "", length = PAGE;
let net = "", names = { groups: [], classes: [], channels: [] }, told = "Reading what the net of this look knows …"; // of the look's net
const seen = new Set(), watcher = new IntersectionObserver(watch, { rootMargin: "60px" });
let asked = "", soon = 0;

const kindOf = () => (kind === "channels" ? "channel" : "class");
const same = (a, b) => a.kind === b.kind && a.name === b.name;

function found(among = kind) {
  const wanted = words.trim().toLowerCase();
  return names[among].filter(name => name.toLowerCase().includes(wanted));
}

// Where else what is searched for is found.
function elsewhere() {
  const others = Object.keys(KINDS).filter(each => found(each).length).map(each => `${found(each).length} under ${KINDS[each]}`);
  return others.length ? `None under ${KINDS[kind]}, but ${others.join(" and ")}.` : "Nothing has this name: try fewer letters.";
}

async function learn(wanted) {
  net = wanted;
  const answer = await fetch("motifs").catch(() => null);
  if (net !== wanted) return; // another look was taken since
  names = answer?.ok ? await answer.json() : { groups: [], classes: [], channels: [] };
  told = answer?.ok ? "" : sentence((await answer?.text())?.trim() || "the studio does not answer");
  if (!names[kind].length) kind = Object.keys(KINDS).find(each => names[each].length) ?? kind;
}

function watch(entries) {
  for (const entry of entries) {
    if (entry.isIntersecting) seen.add(entry.target);
    else seen.delete(entry.target);
  }
  clearTimeout(soon);
  soon = setTimeout(wish, 150);
}

function wish() {
  const motifs = [...seen].filter(item => item.isConnected).map(item => item.motif).slice(0, 60);
  const text = JSON.stringify(motifs);
  if (text !== asked && state.tab === "motifs") {
    asked = text;
    act({ do: "wish", motifs }, true);
  }
}

function choose(motif) {
  const now = state.look.motifs;
  const without = now.filter(each => !same(each, motif));
  const wanted = without.length < now.length ? without : [...now, motif].slice(-MOST);
  act({ do: "dream", motifs: wanted });
}

function make(motif) {
  const card = button("", () => choose(motif), { class: "card small" });
  card.append(el("span", { class: "frame" }, el("img", { alt: "" })), el("span", { class: "name" }, motif.name));
  const item = el("li", {}, card);
  item.motif = motif;
  watcher.observe(item);
  return item;
}

export function startMotifs() {
  const parent = document.getElementById("motifs");
  const search = el("input", { type: "search", id: "search", placeholder: "beagle, castle, strawberry …", autocomplete: "off", spellcheck: false });
  const kinds = el("div", { class: "kinds", role: "group", "aria-label": "Kind of motif" }, Object.entries(KINDS).map(([key, text]) => button(text, () => {
    kind = key;
    length = PAGE;
    draw();
  }, { data: { kind: key } })));
  const chosen = el("ul", { class: "chips", "aria-label": "Motifs that are dreamed" });
  const lead = el("p", { class: "faint lead" }), list = el("ul", { class: "wall small" });
  const more = button("More", () => {
    length += PAGE;
    draw();
  }, { class: "wide" });
  search.addEventListener("input", () => {
    words = search.value;
    length = PAGE;
    draw();
  });
  parent.append(el("label", { class: "search", for: "search" }, el("span", {}, "Search"), search), kinds, chosen, lead, list, more);

  function draw() {
    const all = found(), motifs = all.slice(0, length).map(name => ({ kind: kindOf(), name }));
    const pictures = new Map((state?.motifs ?? []).map(each => [`${each.kind} ${each.name}`, each]));
    for (const each of kinds.children) {
      each.setAttribute("aria-pressed", each.dataset.kind === kind);
      each.hidden = !names[each.dataset.kind].length;
      put(each, KINDS[each.dataset.kind] + (words.trim() ? ` (${found(each.dataset.kind).length})` : ""));
    }
    put(lead, told || (all.length ? `${all.length} ${all.length === 1 ? ONE[kind] : KINDS[kind].toLowerCase()} on this frame. Choose up to ${MOST}: they are dreamed in place of what the look dreams.` : elsewhere()));
    lead.title = `What the net ${net} knows`;
    keep(list, motifs, each => `${each.kind} ${each.name}`, make, (item, motif) => {
      const known = pictures.get(`${motif.kind} ${motif.name}`), card = item.firstElementChild;
      if (known?.picture) picturesTo(card.querySelector("img"), picture(known.picture));
      card.classList.toggle("coming", !card.querySelector("img").dataset.wanted && !known?.error);
      card.setAttribute("aria-pressed", Boolean(state?.look.motifs.some(each => same(each, motif))));
      card.title = known?.error ?? "";
    });
    more.hidden = all.length <= length;
    more.textContent = `Show more (${all.length - motifs.length} left)`;
    keep(chosen, state?.look.motifs ?? [], each => `${each.kind} ${each.name}`, each => el("li", {}, button(`${each.name} ×`, () => choose(each), { "aria-label": `Remove ${each.name}` })), () => {});
  }

  let frame = "";
  onState(now => {
    if (now.tab !== "motifs") return;
    if (now.look.net !== net) learn(now.look.net).then(draw);
    const at = `${now.clip?.name} ${now.frame} ${net}`;
    if (at !== frame) {
      frame = at;
      asked = "";
      for (const image of list.querySelectorAll("img")) picturesTo(image, "");
      setTimeout(wish, 50);
    }
    draw();
  });
}
