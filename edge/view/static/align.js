// Whether the camera stands well, and which way to turn it where it does not.

import { element, icon, percent } from "./words.js";

const SMOOTH_S = 0.7; // so that advice does not flicker
const MIDDLE = 0.2; // how far off the middle, as a share of the picture, is far
const LEAST_SHARE = 0.12; // of the picture's width: below, a lean back makes the eyes too small
const ROOM_PX = 2; // times the least eye width: a driver leans back

export class Alignment {
  constructor(list) {
    this.list = list;
    this.values = null;
    this.t = null;
  }

  // Takes a frame; returns whether all is well.
  update(frame, limits) {
    const face = frame.faces.find(({ driver }) => driver) ?? frame.faces[0];
    const checks = face ? this.#checks(this.#smooth(frame.t, measure(frame, face)), limits) : noFace(frame, limits);
    this.list.replaceChildren(
      ...checks.map(([ok, words, advice]) =>
        element(
          "li",
          { className: ok ? "ok" : "bad" },
          icon(ok ? "i-ok" : "i-warn"),
          element("span", {}, words),
          element("span", { className: "advice" }, ok ? "" : advice),
        ),
      ),
    );
    if (!face) this.values = null;
    return checks.every(([ok]) => ok);
  }

  #smooth(t, now) {
    const dt = this.values && t > this.t ? t - this.t : Infinity;
    const share = 1 - Math.exp(-dt / SMOOTH_S);
    for (const name in now) if (dt < 5) now[name] = this.values[name] + share * (now[name] - this.values[name]);
    this.t = t;
    return (this.values = now);
  }

  #checks(now, limits) {
    const across = Math.abs(now.across) < MIDDLE;
    const down = Math.abs(now.down) < MIDDLE;
    const turns = [
      ...(across ? [] : [now.across > 0 ? "right" : "left"]),
      ...(down ? [] : [now.down > 0 ? "down" : "up"]),
    ];
    const large = now.share > LEAST_SHARE && now.eye > ROOM_PX * limits.eye_px;
    const light = now.brightness > limits.dark_below;
    const sharp = now.sharpness > limits.blurred_below;
    const facing = Math.abs(now.yaw) < limits.turned_deg;
    const readable = now.readable > 0.5;
    return [
      [across && down, "Face in the middle", `turn the camera ${turns.join(" and ")} (as seen in the picture)`],
      [large, `Face large enough: eyes ${Math.round(now.eye)} px wide`, "bring the camera nearer, or zoom in"],
      [facing, `Seen from the front: ${Math.round(Math.abs(now.yaw))}° aside`, "move the camera to before the face"],
      [light, `Light enough: ${Math.round(now.brightness)} of 255`, "more light, or infrared"],
      [sharp, "Sharp", "focus the lens, wipe it, or shorten the exposure"],
      [readable, `Eyes readable: ${percent(now.readable)} sure`, "look for glare, glasses' rims, hair, the wheel"],
    ];
  }
}

function measure({ size, quality }, { box, eyes, pose }) {
  const [x, y, width, height] = box;
  return {
    across: (x + width / 2) / size[0] - 0.5,
    down: (y + height / 2) / size[1] - 0.5,
    share: width / size[0],
    eye: Math.max(0, ...eyes.map((eye) => eye.width)),
    yaw: pose ? pose[0] : 90,
    brightness: quality.brightness ?? 0,
    sharpness: quality.sharpness ?? 0,
    readable: Math.max(0, ...eyes.map(({ readable, confidence }) => (readable ? confidence : 0))),
  };
}

function noFace({ quality }, limits) {
  const dark = quality.frame_brightness !== null && quality.frame_brightness < limits.dark_below;
  return [[false, "No face in sight", dark ? "it is dark: more light, or infrared" : "turn the camera to the face"]];
}
