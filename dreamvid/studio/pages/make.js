// What is made of a look: the film, and the picture that is shown, each with the line that makes the same in a terminal.

import { act, onState, say, sentence, state } from "./link.js";
import { button, closeDialog, el, openDialog, put, seconds } from "./parts.js";

const WIDTHS = [1920, 1280, 854, 640, 480];
let refresh = null; // of the dialog that was opened last

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied: run it in a terminal, in this folder");
  } catch {
    say("The browser does not let this page copy: select the line yourself", true);
  }
}

const chosen = (values, value) => {
  const select = el("select", {}, values.map(([key, text]) => el("option", { value: key }, text)));
  select.value = value;
  return select;
};

// A form in a dialog, which sends a request with the name that is given.
function ask(title, about, name, { label, make, request }, rows, below) {
  const field = el("input", { type: "text", value: name, required: true, maxLength: 100, spellcheck: false, autocomplete: "off" });
  const told = el("p", { class: "error", role: "alert" }), made = el("button", { type: "submit", class: "main" }, make);
  const submit = async event => {
    event.preventDefault();
    const { said, error } = await act({ ...request(), name: field.value.trim() }, true);
    if (error) return put(told, error);
    closeDialog();
    await act({ do: "tab", tab: "films" }, true);
    say(said);
  };
  openDialog(title, el("form", { class: "form", on: { submit } }, el("p", { class: "faint" }, about), el("label", {}, label, field), rows, told, made, below));
  field.focus();
  return made;
}

function takes({ frames, size: [width, height], takes: words, long, wrong }) {
  if (wrong) return sentence(wrong);
  const known = words ? `${words} on this machine` : "how long they take is known once this frame is dreamed";
  return `${frames} frames of ${width}×${height}: ${known}.${long ? " A smaller size, or a part of it, is done sooner." : ""}`;
}

export function askForFilm() {
  const { clip, cut, film } = state;
  const widths = [["", `as the source (${clip.width}×${clip.height})`], ...WIDTHS.filter(width => width < clip.width).map(width => [`${width}x`, `${width} wide`])];
  if (cut.size && !widths.some(([value]) => value === cut.size)) widths.push([cut.size, cut.size]);
  const size = chosen(widths, cut.size ?? ""), loop = el("input", { type: "checkbox", checked: cut.loop });
  for (const each of [size, loop]) each.addEventListener("change", () => act({ do: "cut", ...cut, size: size.value || null, loop: loop.checked }));
  const from = cut.start ?? 0, to = cut.stop ?? clip.seconds;
  const about = clip.film ? `${from.toFixed(2)} s to ${to.toFixed(2)} s of ${clip.name}${cut.start === null && cut.stop === null ? ": all of it. The time line cuts it" : ""}.` : `A flight of ${state.look.values["input.seconds"]} s into ${clip.name}.`;
  const told = el("p", { role: "status" }), code = el("code", { tabIndex: 0 });
  const made = ask("Make the film", about, film.name, { label: "Name of the film, in this folder", make: "Make it", request: () => ({ do: "render" }) },
    [el("label", {}, "Size", size), clip.film ? el("label", { class: "check" }, loop, "Loop: its end leads into its beginning") : null, told].filter(Boolean),
    [el("details", {}, el("summary", {}, "For the terminal"), el("div", { class: "line" }, code, button("Copy", () => copy(code.textContent), { "aria-label": "Copy the terminal command" })))]);
  refresh = () => {
    if (state.clip.name !== clip.name) return; // another page has opened it
    put(told, takes(state.film));
    told.className = state.film.wrong ? "error" : state.film.long ? "long" : "";
    made.disabled = Boolean(state.film.wrong);
    put(code, state.film.line);
  };
  refresh();
}

export function askForPicture() {
  const { clip, film, view } = state, name = film.name.replace(/\.[^.]*$/, clip.film ? `-${state.frame}.png` : ".png");
  const inFilm = `${view.in_film.join("×")}, as in the film`;
  const size = chosen(view.full ? [["full", inFilm]] : [["", `${view.size.join("×")}, as it is shown`], ["full", `${inFilm}: finer, and slower`]], view.full ? "full" : "");
  refresh = null;
  ask(clip.film ? `Save the frame at ${seconds(state.frame / clip.rate)}` : "Save this picture", "It is dreamed once more, and kept without loss. It carries how it was made: dreamvid again makes it again.", name,
    { label: "Name of the picture, in this folder", make: "Save it", request: () => ({ do: "picture", full: size.value === "full" }) }, [el("label", {}, "Size", size)], []);
}

export function startMake() {
  onState(() => refresh?.());
}
