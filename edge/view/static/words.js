// What things are called, and which icon goes with them: never colour alone.

const KINDS = {
  microsleep: ["Microsleep", "i-closed"],
  sleep: ["Asleep", "i-closed"],
  unresponsive: ["No response", "i-closed"],
  drowsiness: ["Drowsy", "i-closed"],
  distraction: ["Looking away", "i-away"],
  distraction_cumulative: ["Looking away often", "i-away"],
  sensing_degraded: ["Driver cannot be read", "i-unknown"],
  yawn: ["Yawn", "i-info"],
  nod: ["Nod", "i-info"],
};

const REASONS = {
  no_face: "no face in sight",
  turned_away: "turned away",
  dark: "too dark",
  blurred: "blurred",
  occluded: "something is before the eyes",
  camera_blocked: "the lens is covered",
  camera_off: "the camera is off",
  small: "too far away",
  driver_not_watched: "not watched",
};

const CAMERA = {
  starting: "Camera is starting …",
  dark: "Camera sees nothing: covered, or no light",
  frozen: "Camera stands still",
  lost: "Camera is lost; it is tried again",
  off: "Camera is off (privacy switch)",
  ended: "The recording is over",
};

const SEVERITIES = ["info", "notice", "warning", "critical"];

const plain = (name) => {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

export const kindWord = (kind) => KINDS[kind]?.[0] ?? plain(kind);
export const kindIcon = (kind, subject) => KINDS[kind]?.[1] ?? (subject === "expression" ? "i-face" : "i-info");
export const reasonWord = (reason) => (reason ? (REASONS[reason] ?? plain(reason).toLowerCase()) : "");
export const cameraWord = (kind) => CAMERA[kind] ?? null;
export const rank = (severity) => SEVERITIES.indexOf(severity);

export const percent = (share) => `${Math.round(share * 100)} %`;
export const seconds = (value) => (value < 100 ? `${value.toFixed(1)} s` : `${Math.round(value / 60)} min`);
export const clock = (unix) => new Date(unix * 1000).toLocaleTimeString([], { hour12: false });

// An element with attributes, classes and children; text is always text, never markup.
export function element(tag, { className, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}
