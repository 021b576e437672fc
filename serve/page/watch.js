// The page of a job: progress in words, then the films side by side.

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
    line.textContent = text.replaceAll("`", ""); // options stand in the form by their names
    return line;
  }));
}

// words tell how a job is.
function words(job) {
  if (job.state === "queued") return "waiting for " + (job.jobs_before || 0) + " before it";
  if (!job.frames) return "starting: looking at the picture and the film";
  let text = "frame " + job.frames;
  if (job.frames_total) text += " of " + job.frames_total;
  if (job.fps) text += ", " + job.fps.toFixed(1) + " a second";
  if (job.seconds_left) text += ", " + seconds(job.seconds_left) + " left";
  return text;
}

const apart = 5000; // ms between what is read out

// watches follows a job until it ends, then shows how.
export function watches(page) {
  const path = "/jobs/" + page.dataset.id;
  const bar = document.getElementById("progress");
  const said = document.getElementById("said");
  const announced = document.getElementById("announced");
  let last = { at: 0, state: "", warnings: "" };
  const show = (job) => {
    const warnings = (job.warnings || []).join("\n");
    if (warnings !== last.warnings) warns(job.warnings);
    const text = words(job);
    said.textContent = text;
    if (job.frames_total) {
      bar.max = job.frames_total;
      bar.value = job.frames;
      document.title = Math.floor(100 * job.frames / job.frames_total) + " % - PriorityCut";
    }
    // Who listens hears of it now and then.
    const now = Date.now();
    const due = job.state !== last.state || now - last.at > apart;
    if (due) announced.textContent = text;
    last = { at: due ? now : last.at, state: job.state, warnings };
  };
  const events = new EventSource(path + "/events");
  events.addEventListener("progress", (e) => show(JSON.parse(e.data)));
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
  events.addEventListener("error", () => {
    if (events.readyState !== EventSource.CLOSED) return; // it tries again
    said.textContent = announced.textContent = "The server cannot be reached any more. Load this page again.";
  });
}

// plays keeps the driving film where the result is. The result has the controls
// and the sound.
export function plays(result, driving) {
  if (!result || !driving) return;
  driving.controls = false;
  const follow = () => {
    if (Math.abs(driving.currentTime - result.currentTime) > 0.15) driving.currentTime = result.currentTime;
  };
  result.addEventListener("play", () => {
    follow();
    driving.play().catch(() => {});
  });
  result.addEventListener("pause", () => {
    driving.pause();
    follow();
  });
  for (const event of ["seeking", "timeupdate"]) result.addEventListener(event, follow);
  result.addEventListener("ratechange", () => { driving.playbackRate = result.playbackRate; });
}
