// The page works without any of this: forms post, and the page of a job loads
// itself again.
import { choosing } from "./choose.js";
import { camera } from "./camera.js";
import { lists, remembers } from "./found.js";
import { plays, watches } from "./watch.js";

// sends posts the form and shows how far it is; the browser could do the sending
// alone.
function sends(form) {
  const problem = document.getElementById("problem");
  const uploading = document.getElementById("uploading");
  const button = form.querySelector("button[type=submit]");
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    uploading.hidden = true;
    button.disabled = false;
  };
  const missing = () => {
    for (const [name, what] of [["source", "a picture"], ["driving", "a film"]]) {
      if (!form.elements[name].files.length && !form.querySelector(`[name=${name}_example]:checked`)) {
        form.elements[name].focus();
        return "Choose " + what + ".";
      }
    }
    return "";
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(missing());
    if (problem.textContent) return;
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
      else say(answer.error || "The server answered " + request.status + ".");
    });
    request.addEventListener("error", () => say("The server cannot be reached, or refused the upload."));
    button.disabled = true;
    uploading.hidden = false;
    request.send(new FormData(form));
  });
  // Coming back by the browser's button finds the form usable.
  addEventListener("pageshow", () => say(problem.textContent));
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
