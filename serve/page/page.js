"use strict";

// previews shows what was chosen.
function previews(input, view) {
  input.addEventListener("change", () => {
    if (view.src) URL.revokeObjectURL(view.src);
    const file = input.files[0];
    view.hidden = !file;
    if (file) view.src = URL.createObjectURL(file);
    else view.removeAttribute("src");
  });
  view.addEventListener("error", () => { view.hidden = true; });
}

// creates sends the form and shows how far it is; the browser could do the
// sending alone.
function creates(form) {
  const problem = document.getElementById("problem");
  const uploading = document.getElementById("uploading");
  const button = form.querySelector("button");
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    uploading.hidden = true;
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    let size = 0;
    for (const input of form.querySelectorAll("input[type=file]")) size += input.files[0].size;
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

function seconds(n) {
  n = Math.max(1, Math.round(n));
  return n < 90 ? n + " s" : Math.round(n / 60) + " min";
}

// warns says what the result will suffer from.
function warns(texts) {
  document.getElementById("warnings").replaceChildren(...texts.map((text) => {
    const line = document.createElement("p");
    line.className = "note";
    line.setAttribute("role", "status");
    line.textContent = text;
    return line;
  }));
}

// watches follows a job until it ends, then shows how.
function watches(page) {
  const path = "/jobs/" + page.dataset.id;
  const bar = document.getElementById("progress");
  const said = document.getElementById("said");
  const show = (job) => {
    warns(job.warnings || []);
    if (job.state === "queued") {
      said.textContent = "waiting for " + (job.jobs_before || 0) + " before it";
      return;
    }
    if (!job.frames) {
      said.textContent = "starting";
      return;
    }
    let text = "frame " + job.frames;
    if (job.frames_total) {
      bar.max = job.frames_total;
      bar.value = job.frames;
      text += " of " + job.frames_total;
    }
    if (job.fps) text += ", " + job.fps.toFixed(1) + " a second";
    if (job.seconds_left) text += ", " + seconds(job.seconds_left) + " left";
    said.textContent = text;
  };
  const events = new EventSource(path + "/events");
  events.addEventListener("progress", (e) => show(JSON.parse(e.data)));
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
  events.addEventListener("error", () => {
    if (events.readyState !== EventSource.CLOSED) return; // it tries again
    said.textContent = "The server cannot be reached any more. Load this page again.";
  });
}

const form = document.getElementById("create");
if (form) {
  previews(document.getElementById("source"), document.getElementById("source-preview"));
  previews(document.getElementById("driving"), document.getElementById("driving-preview"));
  creates(form);
}
const job = document.getElementById("job");
if (job && document.getElementById("progress")) watches(job);
