// Small parts of the page: elements, pictures that change without a flash, dialogs.

export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "on") for (const [event, call] of Object.entries(value)) made.addEventListener(event, call);
    else if (key === "class") made.className = value;
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key.startsWith("aria-") || key === "role" || key === "for" || key === "list") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined));
  return made;
}

export const button = (text, call, props = {}) => el("button", { type: "button", on: { click: call }, ...props }, text);

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Load a picture first, then show it; one that was asked for later wins.
export function picturesTo(image, address) {
  if (image.dataset.wanted === address) return;
  image.dataset.wanted = address;
  if (!address) {
    image.removeAttribute("src");
    return;
  }
  const coming = new Image();
  coming.onload = () => {
    if (image.dataset.wanted === address) image.src = address;
  };
  coming.src = address;
}

// Keep a list of elements in step with values: each has a key, and keeps its element, and with it the focus.
export function keep(parent, values, keyOf, make, update) {
  parent.held ??= new Map();
  const keys = new Set();
  let place = parent.firstElementChild;
  for (const value of values) {
    const key = keyOf(value);
    keys.add(key);
    let element = parent.held.get(key);
    if (!element) {
      element = make(value);
      parent.held.set(key, element);
    }
    update(element, value);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const [key, element] of parent.held) {
    if (!keys.has(key)) {
      element.remove();
      parent.held.delete(key);
    }
  }
}

const dialog = document.getElementById("dialog");
export function openDialog(title, ...children) {
  dialog.replaceChildren(
    el("div", { class: "dialog-head" }, el("h2", { id: "dialog-title" }, title), button("Close", closeDialog, { class: "quiet" })),
    el("div", { class: "dialog-body" }, ...children),
  );
  if (!dialog.open) dialog.showModal();
}
export function closeDialog() {
  dialog.close();
}
dialog.addEventListener("click", event => {
  if (event.target === dialog) closeDialog();
});

export function seconds(value) {
  const minutes = Math.floor(value / 60), rest = value - 60 * minutes;
  return minutes ? `${minutes}:${rest.toFixed(2).padStart(5, "0")}` : `${rest.toFixed(2)} s`;
}
