// Files are chosen by the browser's own button, dropped, or taken from the
// examples; whatever was chosen last counts and is shown.

// place is a field of the form: its file, its examples and its previews.
function place(field) {
  const input = field.querySelector("input[type=file]");
  const examples = [...field.querySelectorAll("input[type=radio]")];
  const views = [...field.querySelectorAll(".preview")];
  const unseen = field.querySelector(".unseen");
  const drop = field.querySelector(".drop");
  let url = "";

  const show = (address, isPicture) => {
    if (url.startsWith("blob:")) URL.revokeObjectURL(url);
    url = address;
    unseen.hidden = true;
    for (const view of views) {
      const wanted = address && (view.tagName === "IMG") === isPicture;
      view.hidden = !wanted;
      if (wanted) view.src = address;
      else view.removeAttribute("src");
      if (wanted && view.tagName === "VIDEO") view.play().catch(() => {}); // it may forbid that
    }
    drop.hidden = Boolean(address);
  };
  for (const view of views) {
    view.addEventListener("error", () => {
      if (!view.getAttribute("src")) return;
      view.hidden = true;
      unseen.hidden = false;
    });
  }

  const chosen = () => {
    const file = input.files[0];
    if (!file) return;
    for (const e of examples) e.checked = false;
    show(URL.createObjectURL(file), field.dataset.kind === "picture" || file.type.startsWith("image/"));
  };
  input.addEventListener("change", () => {
    if (input.files.length) chosen();
    else show("", false);
  });
  for (const e of examples) {
    const film = e.parentElement.querySelector("video");
    e.addEventListener("change", () => {
      input.value = "";
      show(e.dataset.shows, !film);
    });
    if (film) {
      // They move when somebody looks at them.
      for (const on of ["mouseenter", "focusin"]) e.parentElement.addEventListener(on, () => film.play().catch(() => {}));
      for (const off of ["mouseleave", "focusout"]) e.parentElement.addEventListener(off, () => film.pause());
    }
  }
  const take = (files) => {
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  return { field, input, chosen, take };
}

// droppable takes files that are dropped on a field, or anywhere: those go where
// their kind belongs.
function droppable(places) {
  const kindOf = (file) => (file.type.startsWith("image/") && file.type !== "image/gif" ? "picture" : "film");
  const marked = (target) => {
    for (const p of places) p.field.classList.toggle("dropping", p === target);
  };
  const under = (event) => places.find((p) => p.field.contains(event.target));
  addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    marked(under(event));
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) marked(null);
  });
  addEventListener("drop", (event) => {
    const files = [...event.dataTransfer.files];
    if (!files.length) return;
    event.preventDefault();
    marked(null);
    for (const file of files.slice(0, places.length)) {
      const one = new DataTransfer();
      one.items.add(file);
      const p = (files.length === 1 && under(event)) || places.find((q) => q.field.dataset.kind === kindOf(file));
      p.take(one.files);
    }
  });
}

export function choosing(form) {
  const places = [...form.querySelectorAll(".field[data-kind]")].map(place);
  for (const p of places) {
    p.field.querySelector(".drop").hidden = false;
    p.chosen(); // what a browser kept from before
  }
  droppable(places);
}
