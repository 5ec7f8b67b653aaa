// The picture and what is drawn on it.

import { CONTOURS, EDGES } from "./mesh.js";
import { percent } from "./words.js";

const INK = { box: "#ffd166", mesh: "rgb(225 255 235 / 55%)", line: "#d8f3e3", eye: "#4dd2ff", gaze: "#ff9ecb" };
const AXES = [
  ["#ff8a80", (y, p, r) => [Math.cos(r) * Math.cos(y), Math.sin(r) * Math.cos(y)]],
  ["#a5d6a7", (y, p, r) => [Math.sin(r) * Math.cos(p), -Math.cos(r) * Math.cos(p)]],
  ["#82b1ff", (y, p) => [Math.sin(y) * Math.cos(p), -Math.sin(p)]],
];
const NOSE_TIP = 1;
const LOWER_LID = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const OPENING = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 14, 13, 12, 11, 10, 9];
const UPPER_LID = [0, 9, 10, 11, 12, 13, 14, 15, 8];

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  // frame: a message; bitmap: its picture, or null for lines on black. guide: whether to show where a face belongs.
  draw(frame, bitmap, { mesh, gaze, chosen, guide }) {
    const [width, height] = frame.size;
    const { canvas, context } = this;
    const across = canvas.clientWidth * devicePixelRatio || width;
    if (canvas.width !== Math.round(across) || canvas.dataset.size !== `${frame.size}`) {
      canvas.width = Math.round(across);
      canvas.height = Math.round((across * height) / width);
      canvas.dataset.size = `${frame.size}`;
      canvas.style.setProperty("--ratio", width / height);
    }
    this.unit = width / canvas.width; // one device pixel, in pixels of the frame
    context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
    context.lineJoin = context.lineCap = "round";
    if (bitmap) {
      context.drawImage(bitmap, 0, 0, width, height);
    } else {
      context.fillStyle = "#000";
      context.fillRect(0, 0, width, height);
    }
    this.thick = 1;
    if (guide) this.#guide(width, height);
    frame.faces.forEach((face, index) => {
      // Thinner on small faces, which they would cover.
      this.thick = Math.min(Math.max(face.box[2] / this.unit / devicePixelRatio / 160, 0.5), 1);
      if (mesh) this.#mesh(face);
      this.#eyes(face);
      if (gaze) this.#directions(face);
      this.#box(face, index, face.id === chosen && frame.faces.length > 1);
    });
  }

  clear() {
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #stroke(path, color, wide) {
    const { context } = this;
    const line = wide * this.thick * this.unit * devicePixelRatio;
    context.strokeStyle = "rgb(0 0 0 / 55%)"; // a dark edge, so that it can be seen on any picture
    context.lineWidth = line * 2;
    context.stroke(path);
    context.strokeStyle = color;
    context.lineWidth = line;
    context.stroke(path);
  }

  #mesh({ points }) {
    const { context } = this;
    const edges = new Path2D();
    for (let at = 0; at < EDGES.length; at += 2) {
      const from = 2 * EDGES[at];
      const to = 2 * EDGES[at + 1];
      edges.moveTo(points[from] / 10, points[from + 1] / 10);
      edges.lineTo(points[to] / 10, points[to + 1] / 10);
    }
    context.strokeStyle = INK.mesh;
    context.lineWidth = 0.6 * this.thick * this.unit * devicePixelRatio;
    context.stroke(edges);
    const lines = new Path2D();
    for (const line of CONTOURS) trace(lines, points, line);
    context.strokeStyle = INK.line;
    context.lineWidth = 1.2 * this.thick * this.unit * devicePixelRatio;
    context.stroke(lines);
  }

  #eyes({ eyes }) {
    for (const { lids, iris, readable } of eyes) {
      const path = new Path2D();
      trace(path, lids, LOWER_LID);
      trace(path, lids, UPPER_LID);
      if (readable) this.#iris(lids, iris);
      this.context.setLineDash(readable ? [] : [4 * this.unit, 6 * this.unit]);
      this.#stroke(path, INK.eye, 1.4);
      this.context.setLineDash([]);
    }
  }

  // As much of it as the lids leave to be seen.
  #iris(lids, iris) {
    const [x, y] = [iris[0] / 10, iris[1] / 10];
    let radius = 0;
    for (let at = 2; at < 10; at += 2) radius += Math.hypot(iris[at] / 10 - x, iris[at + 1] / 10 - y) / 4;
    const opening = new Path2D();
    trace(opening, lids, OPENING);
    const path = new Path2D();
    path.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.save();
    this.context.clip(opening);
    this.#stroke(path, INK.eye, 1.4);
    this.context.restore();
  }

  #directions({ points, pose, gaze, eyes, box }) {
    const reach = 0.45 * box[2];
    if (pose) {
      const [yaw, pitch, roll] = pose.map(radians);
      const [x, y] = [points[2 * NOSE_TIP] / 10, points[2 * NOSE_TIP + 1] / 10];
      for (const [color, direction] of AXES) {
        const [across, down] = direction(yaw, pitch, roll);
        this.#ray(x, y, across * reach, down * reach, color, 2.2);
      }
    }
    if (gaze) {
      const [yaw, pitch] = gaze.map(radians);
      for (const { iris, readable } of eyes) {
        if (!readable) continue;
        this.#ray(iris[0] / 10, iris[1] / 10, 2 * reach * Math.sin(yaw), -2 * reach * Math.sin(pitch), INK.gaze, 1.8);
      }
    }
  }

  #ray(x, y, across, down, color, wide) {
    const path = new Path2D();
    path.moveTo(x, y);
    path.lineTo(x + across, y + down);
    this.#stroke(path, color, wide);
  }

  #box({ box, driver, expression }, index, chosen) {
    const [x, y, width, height] = box;
    const path = new Path2D();
    path.rect(x, y, width, height);
    this.#stroke(path, INK.box, chosen ? 3.2 : 1.6);
    const words = [`${index + 1}`];
    if (driver) words.push("driver");
    if (expression?.label) words.push(`${expression.label} ${percent(Math.max(...expression.shares))}`);
    const { context } = this;
    const size = 13 * this.unit * devicePixelRatio;
    context.font = `600 ${size}px system-ui, sans-serif`;
    const text = words.join(" · ");
    const wide = context.measureText(text).width + size;
    const top = y < 1.6 * size ? y : y - 1.6 * size;
    context.fillStyle = INK.box;
    context.fillRect(x - this.unit, top, wide, 1.6 * size);
    context.fillStyle = "#1a1400";
    context.textBaseline = "middle";
    context.fillText(text, x + size / 2, top + 0.85 * size);
  }

  #guide(width, height) {
    const path = new Path2D();
    path.ellipse(width / 2, height / 2, 0.18 * height, 0.26 * height, 0, 0, 2 * Math.PI);
    this.context.setLineDash([10 * this.unit, 10 * this.unit]);
    this.#stroke(path, "#fff", 1.4);
    this.context.setLineDash([]);
  }
}

function trace(path, points, indices) {
  indices.forEach((index, at) => {
    const [x, y] = [points[2 * index] / 10, points[2 * index + 1] / 10];
    if (at) path.lineTo(x, y);
    else path.moveTo(x, y);
  });
}

const radians = (degrees) => (degrees * Math.PI) / 180;
