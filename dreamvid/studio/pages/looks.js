// The wall of looks: each on the frame that is looked at, coming in one after another.

import { act, facts, onState, picture } from "./link.js";
import { button, el, keep, picturesTo, put } from "./parts.js";

const short = name => name.replace(/\.toml$/, "").replace(/^.*\//, "");

// Those on the screen are dreamed first.
const seen = new Set();
let asked = "", soon = 0;
const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (entry.isIntersecting) seen.add(entry.target);
    else seen.delete(entry.target);
  }
  clearTimeout(soon);
  soon = setTimeout(() => {
    const names = [...document.querySelectorAll("#looks li")].filter(item => seen.has(item)).map(item => item.dataset.name).slice(0, 60);
    if (names.length && names.join() !== asked) {
      asked = names.join();
      act({ do: "glance", names }, true);
    }
  }, 200);
});

function make(look) {
  const card = button("", () => act({ do: "take", name: look.name }), { class: "card" });
  card.append(el("span", { class: "frame" }, el("img", { alt: "" })), el("span", { class: "name" }), el("span", { class: "about" }));
  const item = el("li", { data: { name: look.name } }, card);
  watcher.observe(item);
  return item;
}

function update(item, look, now) {
  const card = item.firstElementChild;
  picturesTo(card.querySelector("img"), look.picture ? picture(look.picture) : "");
  card.classList.toggle("coming", !look.picture && !look.error);
  card.setAttribute("aria-pressed", now.look.preset === look.name);
  put(card.querySelector(".name"), short(look.name) + (look.own ? " (yours)" : ""));
  put(card.querySelector(".about"), look.error || facts.looks[look.name] || "");
}

export function startLooks() {
  const told = el("p", { class: "faint lead" });
  const list = el("ul", { class: "wall" });
  document.getElementById("looks").append(told, list);
  onState(now => {
    if (now.tab !== "looks") return;
    const done = now.wall.filter(look => look.picture || look.error).length;
    put(told, !now.clip ? "Open a clip first: then every look is dreamed on a frame of it." : done < now.wall.length ? `Every look on this frame: ${done} of ${now.wall.length} are there. Choose one.` : "Every look on this frame. Choose one, and adjust it then.");
    keep(list, now.clip ? now.wall : [], look => look.name, make, (item, look) => update(item, look, now));
  });
}
