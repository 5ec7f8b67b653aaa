"use strict";

// A cursor over each chart: it follows the pointer, the arrow keys and the episode that was chosen.
for (const clip of document.querySelectorAll(".clip")) {
  const chart = clip.querySelector(".chart");
  if (!chart) continue;
  const { span, t: times, series } = JSON.parse(chart.querySelector("script").textContent);
  const tracks = chart.querySelector(".tracks");
  const over = chart.querySelector(".over");
  const cursor = chart.querySelector(".cursor");
  const highlight = chart.querySelector(".highlight");
  const readings = [...chart.querySelectorAll("[data-series]")];
  let now = 0;
  let pinned = false;

  const nearest = (t) => {
    let low = 0;
    let high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle;
      else high = middle;
    }
    return t - times[low] <= times[high] - t ? low : high;
  };
  const worded = (value, unit) => {
    if (value === null || value === undefined) return "unknown";
    if (unit === "%") return `${Math.round(100 * value)} %`;
    return unit === "°" ? `${Math.round(value)}°` : String(Number(value.toFixed(2)));
  };
  const show = (t) => {
    now = Math.min(Math.max(t, 0), span);
    const place = nearest(now);
    cursor.hidden = false;
    cursor.style.left = `${(100 * now) / span}%`;
    cursor.firstElementChild.textContent = `${now.toFixed(1)} s`;
    for (const reading of readings) {
      reading.textContent = worded(series[reading.dataset.series][place], reading.dataset.unit);
    }
  };
  const hide = () => {
    if (pinned) return;
    cursor.hidden = true;
    for (const reading of readings) reading.textContent = "";
  };
  const choose = (number) => {
    const row = clip.querySelector(`tr[data-episode="${number}"]`);
    for (const each of clip.querySelectorAll("tr.chosen")) each.classList.remove("chosen");
    row.classList.add("chosen");
    const start = Number(row.dataset.start);
    pinned = true;
    highlight.hidden = false;
    highlight.style.left = `${(100 * Math.max(start, 0)) / span}%`;
    highlight.style.width = `${(100 * Number(row.dataset.length)) / span}%`;
    show(start);
  };

  tracks.addEventListener("pointermove", (event) => {
    const area = over.getBoundingClientRect();
    if (event.clientX >= area.left && event.clientX <= area.right) show((span * (event.clientX - area.left)) / area.width);
  });
  tracks.addEventListener("pointerleave", hide);
  chart.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? span / 10 : span / 100;
    const move = { ArrowLeft: now - step, ArrowRight: now + step, Home: 0, End: span }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    pinned = true;
    show(move);
  });
  for (const button of clip.querySelectorAll("button[data-episode]")) {
    button.addEventListener("click", () => {
      choose(button.dataset.episode);
      if (button.classList.contains("go")) {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        chart.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
      }
    });
  }
}
