// A few seconds before the camera are a driving film. Browsers give the camera to
// pages of this machine and to those that came encrypted; elsewhere the button
// stays hidden.

const countdown = 3;
const length = 5; // seconds

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

// record waits, films, and returns a file.
async function record(stream, say) {
  for (let n = countdown; n > 0; n--) {
    say("Recording begins in " + n + " ...");
    await pause(1);
  }
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  recorder.addEventListener("dataavailable", (e) => pieces.push(e.data));
  const ended = new Promise((done, failed) => {
    recorder.addEventListener("stop", done);
    recorder.addEventListener("error", () => failed(new Error("the recording failed")));
  });
  recorder.start();
  for (let n = length; n > 0; n--) {
    say("Recording: " + n + " s left");
    await pause(1);
  }
  recorder.stop();
  await ended;
  const type = recorder.mimeType.split(";")[0] || "video/webm";
  return new File(pieces, "camera." + type.split("/")[1], { type });
}

export function camera(form) {
  if (!window.isSecureContext || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia || !window.MediaRecorder) return;
  const button = document.getElementById("record");
  const said = document.getElementById("camera-said");
  const view = document.getElementById("driving-preview");
  const input = form.elements.driving;
  const say = (text) => { said.textContent = text; };
  document.getElementById("camera").hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    let stream;
    try {
      say("Asking for the camera ...");
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } }, audio: false });
      view.removeAttribute("src");
      view.srcObject = stream;
      view.hidden = false;
      view.play().catch(() => {});
      const file = await record(stream, say);
      view.srcObject = null;
      const one = new DataTransfer();
      one.items.add(file);
      input.files = one.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      say("Recorded " + length + " seconds.");
    } catch (e) {
      view.srcObject = null;
      view.hidden = !view.getAttribute("src");
      say(e.name === "NotAllowedError" ? "The camera was not allowed." : e.name === "NotFoundError" ? "There is no camera." : "No recording: " + e.message + ".");
    } finally {
      if (stream) for (const track of stream.getTracks()) track.stop();
      button.disabled = false;
    }
  });
}
