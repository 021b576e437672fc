// The page works without any of this: forms post, and the page of a job loads
// itself again.
import { choosing } from "./choose.js";
import { camera } from "./camera.js";
import { lists, remembers } from "./found.js";
import { plays, watches } from "./watch.js";

// sends posts the form and shows how far it is; the browser could do the sending
// alone.
function sends(form) {
  const uploading = document.getElementById("uploading");
  const button = form.querySelector("button[type=submit]");
  const ready = () => {
    uploading.hidden = true;
    button.disabled = false;
  };
  // clears what was wrong with a field, or with all of the form.
  const clear = (part) => {
    for (const line of part.querySelectorAll(".problem")) line.hidden = true;
    for (const input of part.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  };
  // say tells what is wrong beside the field that it is about, else at the end.
  const say = (text, field) => {
    ready();
    const line = document.getElementById(field + "-problem") || document.getElementById("problem");
    line.textContent = text;
    line.hidden = false;
    if (line.id === "problem") {
      line.scrollIntoView({ block: "nearest" });
      return;
    }
    const input = form.elements[field];
    input.closest(".field").querySelector(".unseen").hidden = true; // this says more
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  form.addEventListener("change", (event) => clear(event.target.closest(".field, form")));
  const missing = () => {
    for (const [name, what] of [["source", "a picture"], ["driving", "a film"]]) {
      if (!form.elements[name].files.length && !form.querySelector(`[name=${name}_example]:checked`)) {
        say("Choose " + what + ".", name);
        return true;
      }
    }
    return false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clear(form);
    if (missing()) return;
    let size = 0;
    for (const input of form.querySelectorAll("input[type=file]")) for (const file of input.files) size += file.size;
    if (size > Number(form.dataset.maxUpload)) {
      say("The files are larger than this server takes.");
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (e) => {
      if (e.lengthComputable) document.getElementById("upload").value = e.loaded / e.total;
    });
    request.addEventListener("load", () => {
      const answer = request.response || {};
      if (request.status === 202) location.assign("/jobs/" + answer.id);
      else say(answer.error || "The server answered " + request.status + ".", answer.field);
    });
    request.addEventListener("error", () => say("The server cannot be reached, or refused the upload."));
    button.disabled = true;
    uploading.hidden = false;
    request.send(new FormData(form));
  });
  // Coming back by the browser's button finds the form usable.
  addEventListener("pageshow", ready);
}

const form = document.getElementById("create");
if (form) {
  choosing(form);
  camera(form);
  sends(form);
  lists(document.getElementById("found"));
}
const job = document.getElementById("job");
if (job) {
  remembers(job.dataset.id);
  if (document.getElementById("progress")) watches(job);
  else plays(document.getElementById("result"), document.getElementById("driving-view"));
}
