// The page's one place where messages meet what is shown.

import { Alignment } from "./align.js";
import { Chart } from "./chart.js";
import { Link } from "./link.js";
import { gravest, showAlert, showAudience, showDriver, showEpisodes, showExpression, showFaces, showHealth } from "./panels.js";
import { Picture } from "./picture.js";
import { cameraWord } from "./words.js";

const SILENT_MS = 2500;

const byId = (id) => document.getElementById(id);
const picture = new Picture(byId("picture"));
const chart = new Chart(byId("chart"));
const alignment = new Alignment(byId("align"));
const on = { mesh: true, gaze: true, pause: false };

let about = null;
let episodes = [];
let shown = null; // the frame on the page, with its picture
let waiting = null; // one that came and is not drawn yet
let chosen = null; // the track whose expression is shown
let arrived = 0;
let arrivals = 0;
let decoding = 0;
let decoded = 0;
let connected = false;

const handlers = {
  about(message) {
    if (about && about.version !== message.version) return location.reload(); // the device was updated
    about = message;
    byId("device").textContent = message.device;
    document.title = `mien: ${message.device}`;
    document.body.dataset.pixels = message.pixels;
  },
  episodes(message) {
    episodes = message.episodes;
    byId("episodes").dataset.count = episodes.length;
    refresh();
  },
  health(message) {
    showHealth(message, arrivals);
    arrivals = 0;
    const trouble = cameraWord(message.camera);
    if (trouble || performance.now() - arrived > SILENT_MS) {
      say([trouble ?? "Waiting for a picture …", message.camera_reason].filter(Boolean).join("\n"));
      // What the camera saw before it was closed is gone.
      if (message.camera === "off") blank();
    }
  },
  async frame(message, jpeg) {
    arrived = performance.now();
    arrivals += 1;
    if (on.pause) return;
    const number = ++decoding;
    const bitmap = jpeg && (await createImageBitmap(jpeg));
    if (on.pause || number < decoded) return bitmap?.close(); // or overtaken by one that was decoded faster
    decoded = number;
    if (waiting) waiting.bitmap?.close();
    else requestAnimationFrame(draw);
    waiting = { message, bitmap };
  },
};

function draw() {
  if (on.pause) {
    waiting?.bitmap?.close();
    waiting = null;
    return;
  }
  shown?.bitmap?.close();
  shown = waiting;
  waiting = null;
  if (!shown || !about) return;
  const { message: frame } = shown;
  const { driver } = frame;
  const alert = gravest(episodes);
  byId("chart-card").hidden = byId("driver-card").hidden = byId("align-card").hidden = !driver;
  let guide = false;
  if (driver) {
    chart.add(frame.t, driver.openness, driver.perclos_60s, alert?.kind ?? null);
    chart.draw(about.limits);
    showDriver(driver);
    guide = !alignment.update(frame, about.limits);
  }
  const face = choose(frame.faces);
  byId("expression-card").hidden = !about.expressions;
  if (about.expressions) showExpression(about.expressions, face);
  showAudience(driver ? null : frame.audience);
  showFaces(frame.faces, chosen, pick);
  say("");
  repaint(guide);
  byId("clock").value = `${frame.t.toFixed(2)} s`;
  const faces = frame.faces.length;
  byId("caption").textContent = `${faces} ${faces === 1 ? "face" : "faces"}, ${frame.size.join(" × ")}${about.pixels ? "" : ", lines only"}`;
  refresh();
}

function repaint(guide = false) {
  if (shown) picture.draw(shown.message, shown.bitmap, { ...on, chosen, guide });
}

// What goes on with time, between frames as well.
function refresh() {
  const wall = shown?.message.wall ?? Date.now() / 1000;
  showAlert(gravest(episodes), wall);
  showEpisodes(episodes, wall);
}

function choose(faces) {
  const face = faces.find(({ id }) => id === chosen) ?? faces.find(({ driver }) => driver) ?? faces[0];
  chosen = face?.id ?? null;
  return face;
}

function pick(index) {
  chosen = shown?.message.faces[index]?.id ?? chosen;
  repaint();
}

function blank() {
  shown = null;
  picture.clear();
}

function say(words) {
  byId("overlay").textContent = words;
  byId("overlay").hidden = !words;
}

function toggle(name) {
  on[name] = !on[name];
  document.querySelector(`[data-toggle=${name}]`).setAttribute("aria-pressed", `${on[name]}`);
  tellLink();
  repaint();
}

function tellLink(trouble = connected ? null : "not connected; trying again …") {
  const words = trouble ?? (on.pause ? "paused" : "live");
  const link = byId("link");
  if (link.textContent === words) return;
  link.textContent = words;
  link.className = `pill ${trouble ? "broken" : on.pause ? "paused" : "live"}`;
}

for (const button of document.querySelectorAll("[data-toggle]")) {
  button.addEventListener("click", () => toggle(button.dataset.toggle));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const button = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  if (button) toggle(button.dataset.toggle);
  else if (event.key >= "1" && event.key <= "9") pick(Number(event.key) - 1);
});
addEventListener("resize", () => repaint());

new Link({
  onMessage: (message, jpeg) => handlers[message.type]?.(message, jpeg),
  onState(trouble) {
    connected = trouble === null;
    tellLink(trouble);
    if (trouble) say("The device does not answer.\nTrying again …");
  },
});
