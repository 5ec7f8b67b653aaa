// Eye openness and PERCLOS over the last minute, alerts shaded.

import { kindWord, percent } from "./words.js";

const WINDOW_S = 60;
const TOP = 1.2; // eyes opened wide read above 1
const GAP_S = 1; // no line is drawn across what nobody saw
const MARGIN = { left: 46, right: 8, top: 18, bottom: 20 };

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.points = [];
  }

  // alert: the kind of the gravest alert that runs, or null.
  add(t, openness, perclos, alert) {
    const last = this.points.at(-1);
    if (last && t < last.t) this.points = []; // another run
    this.points.push({ t, openness, perclos, alert });
    while (this.points[0].t < t - WINDOW_S) this.points.shift();
  }

  draw(limits) {
    const { canvas, context: pen } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const wanted = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) [canvas.width, canvas.height] = wanted;
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(`--${name}`);
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    const now = this.points.at(-1)?.t ?? 0;
    const x = (t) => MARGIN.left + (1 - (now - t) / WINDOW_S) * (width - MARGIN.left - MARGIN.right);
    const y = (share) => height - MARGIN.bottom - (Math.min(share, TOP) / TOP) * (height - MARGIN.top - MARGIN.bottom);
    const level = (share, name, dash) => {
      pen.setLineDash(dash);
      pen.strokeStyle = color(name);
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(MARGIN.left, y(share));
      pen.lineTo(width - MARGIN.right, y(share));
      pen.stroke();
      pen.setLineDash([]);
    };

    const alerts = [...this.#alerts()];
    for (const { from, to } of alerts) this.#shade(x(from), x(to), y(TOP), y(0), color);
    this.#name(alerts, x, y(TOP) - 2, color("text"));
    pen.fillStyle = color("muted");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const share of [0, 0.5, 1]) {
      level(share, "rule", []);
      pen.fillText(percent(share), MARGIN.left - 6, y(share));
    }
    pen.textBaseline = "bottom";
    for (const ago of [0, 15, 30, 45]) {
      pen.textAlign = ago ? "center" : "right";
      pen.fillText(ago ? `−${ago} s` : "now", ago ? x(now - ago) : width - MARGIN.right, height);
    }
    level(limits.closed_below, "closed", [2, 3]);
    pen.textAlign = "left";
    pen.fillStyle = color("closed");
    pen.fillText(`closed below ${percent(limits.closed_below)}`, MARGIN.left + 4, y(limits.closed_below) - 1);

    this.#line("perclos", x, y, color("perclos"), [6, 4], 2);
    this.#line("openness", x, y, color("openness"), [], 2);
  }

  #line(name, x, y, color, dash, wide) {
    const { context: pen } = this;
    pen.setLineDash(dash);
    pen.strokeStyle = color;
    pen.lineWidth = wide;
    pen.lineJoin = "round";
    pen.beginPath();
    let before = null;
    for (const point of this.points) {
      const value = point[name];
      if (value !== null) {
        if (before !== null && point.t - before < GAP_S) pen.lineTo(x(point.t), y(value));
        else pen.moveTo(x(point.t), y(value));
      }
      before = value === null ? null : point.t;
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  *#alerts() {
    let run = null;
    for (const { t, alert } of this.points) {
      if (run && run.kind !== alert) {
        yield { ...run, to: t };
        run = null;
      }
      if (alert && !run) run = { from: t, kind: alert };
    }
    if (run) yield { ...run, to: this.points.at(-1).t };
  }

  // Above their shades, the newest first: an older one's name is left out where there is no room beside it.
  #name(alerts, x, bottom, color) {
    const { context: pen } = this;
    pen.fillStyle = color;
    pen.textAlign = "left";
    pen.textBaseline = "bottom";
    let free = this.canvas.clientWidth;
    for (const { from, kind } of alerts.reverse()) {
      const words = kindWord(kind);
      const wide = pen.measureText(words).width;
      const left = Math.min(x(from), this.canvas.clientWidth - wide);
      if (left + wide > free) continue;
      pen.fillText(words, left, bottom);
      free = left - 8;
    }
  }

  // Hatched as well as coloured.
  #shade(left, right, top, bottom, color) {
    const { context: pen } = this;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, Math.max(right - left, 1), bottom - top);
    pen.clip();
    pen.fillStyle = color("shade");
    pen.fillRect(left, top, right - left, bottom - top);
    pen.strokeStyle = color("hatch");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let at = left - (bottom - top) - (left % 8); at < right; at += 8) {
      pen.moveTo(at, bottom);
      pen.lineTo(at + bottom - top, top);
    }
    pen.stroke();
    pen.restore();
  }
}
