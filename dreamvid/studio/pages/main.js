// The page as a whole: what opens what, and which part of it is seen.

import { act, actSoon, facts, isPending, learn, listen, onState, root, say, state } from "./link.js";
import { button, closeDialog, el, openDialog, put } from "./parts.js";
import { startAdjust } from "./adjust.js";
import { startFilms } from "./films.js";
import { startLine } from "./line.js";
import { startLooks } from "./looks.js";
import { askForFilm, askForPicture, startMake } from "./make.js";
import { startMotifs } from "./motifs.js";
import { startStage } from "./stage.js";

const find = name => document.getElementById(name);
const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(name, focus = false) {
  for (const tab of tabs) {
    const chosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    find(tab.dataset.tab).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
}

function startTabs() {
  tabs.forEach((tab, number) => {
    const go = (to, focus) => {
      choose(to.dataset.tab, focus);
      actSoon("tab", { do: "tab", tab: to.dataset.tab });
    };
    tab.addEventListener("click", () => go(tab, false));
    tab.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) go(tabs[(number + step + tabs.length) % tabs.length], true);
    });
  });
}

function sources(pick) {
  const group = (title, names, kind) => names.length
    ? [el("h3", {}, title), el("ul", { class: "files" }, names.map(name => el("li", {}, el("button", { type: "button", class: `file ${kind}`, on: { click: () => pick(name) } },
      el("img", { src: `${root}thumbs/${encodeURIComponent(name)}`, alt: "", loading: "lazy" }), el("span", { class: "name" }, name)))))]
    : [];
  const found = [...group("Films", facts.films, "of-film"), ...group("Folders of pictures, as films", facts.folders, "of-film"), ...group("Photographs", facts.stills, "of-still")];
  return found.length ? found : [el("p", {}, `There is no film and no photograph in ${facts.folder}. Put some there, and look again:`), button("Look again", () => location.reload())];
}

async function open(name) {
  closeDialog();
  say(`Opening ${name}: it is read once from end to end …`, false, 3600_000);
  document.body.classList.add("busy");
  const { error } = await act({ do: "open", name });
  document.body.classList.remove("busy");
  if (!error) find("panel").focus({ preventScroll: true });
}

function welcome() {
  find("welcome").replaceChildren(
    el("h2", {}, "Open a clip or a photograph"),
    el("p", { class: "faint" }, `These are in ${facts.folder}. You choose a look on one frame, and then the whole film is made.`),
    ...sources(open),
  );
}

function saveLook() {
  const name = el("input", { type: "text", required: true, maxLength: 60, autocomplete: "off", spellcheck: false });
  const about = el("input", { type: "text", maxLength: 200, autocomplete: "off" });
  const told = el("p", { class: "error", role: "alert" });
  let replace = false;
  const form = el("form", { class: "form", on: { submit: async event => {
    event.preventDefault();
    const { error } = await act({ do: "save", name: name.value.trim(), about: about.value.trim(), replace }, true);
    if (error) {
      put(told, error);
      replace = error.includes("save again");
      return;
    }
    closeDialog();
    say(`Saved as ${name.value.trim().replace(/\.toml$/, "")}: your looks come first under Looks`);
    await learn();
  } } },
    el("p", { class: "faint" }, `The look becomes a preset, a text file in ${facts.folder}. It is then on the wall of looks.`),
    el("label", {}, "Name", name),
    el("label", {}, "In a few words (may be empty)", about),
    told,
    el("button", { type: "submit", class: "main" }, "Save"),
  );
  name.addEventListener("input", () => { replace = false; });
  openDialog("Save this look", form);
  name.focus();
}

function show(now, before) {
  if (!isPending("tab")) choose(now.tab); // a state from before the click does not take it back
  const open = Boolean(now.clip);
  find("welcome").hidden = open;
  find("work").hidden = !open;
  document.body.classList.toggle("empty", !open);
  for (const name of ["save", "render", "undo", "redo"]) find(name).disabled = !open;
  find("undo").disabled ||= !now.undo;
  find("redo").disabled ||= !now.redo;
  put(find("source"), open ? now.clip.name : "Open a clip or photograph");
  document.title = open ? `${now.clip.name} · dreamvid studio` : "dreamvid studio";
  if (!before && !open) welcome();
}

startTabs();
find("source").addEventListener("click", async () => {
  await learn();
  openDialog("Open a clip or a photograph", ...sources(open));
});
find("undo").addEventListener("click", () => act({ do: "undo" }));
find("redo").addEventListener("click", () => act({ do: "redo" }));
find("save").addEventListener("click", saveLook);
find("render").addEventListener("click", askForFilm);
find("picture").addEventListener("click", askForPicture);
document.addEventListener("keydown", event => {
  const writes = event.target.matches("input[type=text], input[type=search], input[type=number], textarea");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !writes && state?.clip) {
    event.preventDefault();
    act({ do: event.shiftKey ? "redo" : "undo" });
  }
});
try {
  await learn();
  for (const start of [startStage, startLine, startLooks, startAdjust, startMotifs, startFilms, startMake]) start();
  onState(show);
  listen();
} catch (error) {
  say("The studio does not answer. Start it again, and open the address that it prints.", true);
  throw error;
}
