// This browser remembers which films are its own, so that they are found again.
// Nothing but their numbers and times is kept, and what the server has forgotten
// is forgotten here.

const key = "prioritycut-films";
const most = 20;

function kept() {
  try {
    const list = JSON.parse(localStorage.getItem(key)) || [];
    return Array.isArray(list) ? list.filter((f) => f && /^[0-9a-f]+$/.test(f.id)) : [];
  } catch {
    return []; // nothing is kept for private windows
  }
}

function keep(list) {
  try {
    localStorage.setItem(key, JSON.stringify(list.slice(0, most)));
  } catch { /* as above */ }
}

export function remembers(id) {
  keep([{ id, at: Date.now() }, ...kept().filter((f) => f.id !== id)]);
}

const words = { queued: "waiting", running: "being made", done: "ready", failed: "failed", cancelled: "stopped" };

// entry is a line of the list: a link in words.
function entry(film, job) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = "/jobs/" + film.id;
  link.textContent = "Film of " + new Date(job.created).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const state = document.createElement("span");
  state.className = "note";
  state.textContent = " " + (words[job.state] || job.state);
  line.append(link, state);
  return line;
}

// lists shows what is left of the films, the newest first.
export async function lists(section) {
  const found = [];
  for (const film of kept()) {
    try {
      const answer = await fetch("/jobs/" + film.id, { headers: { Accept: "application/json" } });
      if (answer.ok) found.push([film, await answer.json()]);
      else if (answer.status !== 404) found.push([film, null]);
    } catch {
      found.push([film, null]); // the server is away: not forgotten
    }
  }
  keep(found.map(([film]) => film));
  const lines = found.filter(([, job]) => job).map(([film, job]) => entry(film, job));
  section.querySelector("ul").replaceChildren(...lines);
  section.hidden = !lines.length;
}
