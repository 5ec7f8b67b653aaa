// What is said in words and numbers beside the picture.

import { clock, element, icon, kindIcon, kindWord, percent, rank, reasonWord, seconds } from "./words.js";

const byId = (id) => document.getElementById(id);
const UNKNOWN = "unknown";

// The gravest alert that runs, or null; information is none.
export function gravest(episodes) {
  const alerts = episodes.filter(({ ended, severity }) => ended === null && rank(severity) > 0);
  return alerts.reduce((most, each) => (!most || rank(each.severity) > rank(most.severity) ? each : most), null);
}

export function showAlert(alert, wall) {
  const banner = byId("alert");
  banner.hidden = !alert;
  if (!alert) {
    banner.dataset.id = "";
    return;
  }
  const id = `${alert.id} ${alert.severity}`;
  if (banner.dataset.id !== id) {
    // Anew only when it is another one: a screen reader says all of it each time that it changes.
    banner.dataset.id = id;
    banner.className = `alert ${alert.severity}`;
    const reason = reasonWord(alert.reason);
    const words = [kindWord(alert.kind), ...(reason ? [reason] : [])].join(": ");
    banner.replaceChildren(
      icon(kindIcon(alert.kind, alert.subject)),
      element("strong", {}, words),
      element("span", {}, ` ${alert.severity}`),
      element("span", { className: "for", "aria-hidden": "true" }),
    );
  }
  banner.querySelector(".for").textContent = seconds(Math.max(0, wall - alert.started));
}

function stateOf(driver) {
  if (!driver.present) return ["i-nobody", "Nobody in sight"];
  if (driver.eyes === "closed") return ["i-closed", `Eyes closed for ${seconds(driver.closed_for_s)}`];
  if (driver.sensing !== "good") return ["i-unknown", `Eyes cannot be read: ${reasonWord(driver.sensing_reason)}`];
  if (driver.attentive === false) return ["i-away", "Looks away from the road"];
  if (driver.eyes === "unknown") return ["i-unknown", "Eyes cannot be seen"];
  return ["i-eye", driver.attentive ? "Eyes open, on the road" : "Eyes open"];
}

export function showDriver(driver) {
  const [sign, words] = stateOf(driver);
  byId("state").replaceChildren(icon(sign), element("span", {}, words));
  const off = (degrees, one, other) =>
    degrees === null ? UNKNOWN : Math.round(degrees) ? `${Math.abs(Math.round(degrees))}° ${degrees < 0 ? one : other}` : "0°";
  const perclos =
    driver.perclos_60s === null ? `not yet: saw ${percent(driver.known_60s)} of a minute` : percent(driver.perclos_60s);
  facts("driver", [
    ["Eye openness", driver.openness === null ? UNKNOWN : percent(driver.openness)],
    ["PERCLOS", perclos],
    ["Blinks a minute", driver.blinks_per_minute === null ? UNKNOWN : `${Math.round(driver.blinks_per_minute)}`],
    ["Fatigue", driver.fatigue === null ? UNKNOWN : `${driver.fatigue} of 100`],
    ["Head aside", off(driver.yaw_off_deg, "left", "right")],
    ["Head raised", off(driver.pitch_off_deg, "down", "up")],
  ]);
}

export function showExpression(names, face) {
  const list = byId("expression");
  if (list.children.length !== names.length) {
    list.replaceChildren(
      ...names.map((name) =>
        element(
          "li",
          { "data-name": name },
          element("span", { className: "name" }, name),
          element("span", { className: "track", "aria-hidden": "true" }, element("span", { className: "bar" })),
          element("span", { className: "value" }),
        ),
      ),
    );
  }
  const expression = face?.expression;
  names.forEach((name, index) => {
    const share = expression?.shares[index];
    const row = list.children[index];
    row.classList.toggle("best", expression?.label === name);
    row.querySelector(".bar").style.width = `${100 * (share ?? 0)}%`;
    row.querySelector(".value").textContent = share === undefined ? "–" : percent(share);
  });
}

export function showFaces(faces, chosen, choose) {
  const list = byId("faces");
  byId("faces-card").hidden = faces.length < 2;
  if (faces.length < 2) return;
  while (list.children.length > faces.length) list.lastChild.remove();
  faces.forEach((face, index) => {
    if (!list.children[index]) {
      const button = element("button", { type: "button" }, element("span"), element("kbd", {}, `${index + 1}`));
      button.addEventListener("click", () => choose(Number(button.dataset.index)));
      list.append(element("li", {}, button));
    }
    const button = list.children[index].firstChild;
    button.dataset.index = index;
    button.setAttribute("aria-pressed", `${face.id === chosen}`);
    const label = face.expression?.label;
    const words = [face.driver ? "driver" : `face ${index + 1}`];
    if (label) words.push(`${label} ${percent(Math.max(...face.expression.shares))}`);
    button.firstChild.textContent = words.join(": ");
  });
}

export function showAudience(audience) {
  byId("audience-card").hidden = !audience;
  if (!audience) return;
  facts("audience", [
    ["Before the camera", `${audience.present}`],
    ["Looking at it", `${audience.attentive}`],
    ["Smiling", `${audience.smiling}`],
  ]);
}

export function showEpisodes(episodes, wall) {
  if (!episodes.length) return;
  byId("episodes").replaceChildren(
    ...episodes.slice(0, 8).map(({ kind, subject, severity, started, ended, seconds: lasted }) =>
      element(
        "li",
        { className: severity, "data-kind": kind },
        icon(kindIcon(kind, subject)),
        element("span", { className: "what" }, kindWord(kind), element("small", {}, ` ${severity}`)),
        element("time", {}, clock(started)),
        element("span", { className: "lasted" }, ended === null ? `${seconds(Math.max(0, wall - started))} …` : seconds(lasted)),
      ),
    ),
  );
}

export function showHealth(health, frames) {
  const rows = [
    ["Camera", [health.camera, health.camera_reason].filter(Boolean).join(": ") || UNKNOWN],
    ["Frames a second", health.fps === null ? "…" : `${health.fps}, shown ${frames}`],
    ["From capture to here", health.latency_ms === null ? "…" : `${health.latency_ms} ms`],
  ];
  if (health.dropped !== undefined) rows.push(["Dropped", `${health.dropped}`]);
  if (health.broker !== undefined) rows.push(["Broker", health.broker]);
  if (health.outbox !== undefined) rows.push(["Events waiting", `${health.outbox}`]);
  if (health.outbox_trouble) rows.push(["Outbox", health.outbox_trouble]);
  if (health.temperature_c != null) rows.push(["Processor", `${Math.round(health.temperature_c)} °C`]);
  if (health.throttled?.length) rows.push(["Slowed down", health.throttled.join(", ")]);
  if (health.shedding?.length) rows.push(["Left out", health.shedding.map((each) => each.replaceAll("_", " ")).join(", ")]);
  rows.push(["Watching", `${health.viewers}`]);
  facts("health", rows);
}

function facts(id, rows) {
  byId(id).replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}
