"use strict";
// What the page's parts share: the data, colours of the page, durations for people, elements.
const poolbench = (() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // "12.5 ms": three significant digits.
  function duration(ns) {
    for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
      if (Math.abs(ns) >= unit) return `${Number((ns / unit).toPrecision(3))}\u00a0${name}`;
    }
    return `${Math.round(ns)}\u00a0ns`;
  }

  // The largest unit that `ns` has at least one of.
  function unitFor(ns) {
    return [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([unit]) => ns >= unit) ?? [1, "ns"];
  }

  // element("p", {class: "x"}, "text", child)
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // A select with its label; `options` are [value, text].
  function choice(label, options, chosen, changed) {
    const select = element("select", { onchange: () => changed(select.value) });
    for (const [value, text] of options) select.append(element("option", { value }, text));
    select.value = chosen;
    return element("label", {}, label, select);
  }

  // Calls `draw` when the colours of the page change or the element's width does.
  function follow(box, draw) {
    let width = box.clientWidth;
    new ResizeObserver(() => {
      if (box.clientWidth !== width && box.clientWidth > 0) draw(width = box.clientWidth);
    }).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(box.clientWidth));
  }

  // A mark of the pictures at (x, y) of a canvas, by matplotlib's name of it.
  function mark(context, marker, x, y, r) {
    context.beginPath();
    if (marker === "s" || marker === "P") context.rect(x - r, y - r, 2 * r, 2 * r);
    else if (marker === "D" || marker === "X") polygon(context, [[x, y - r * 1.3], [x + r * 1.3, y], [x, y + r * 1.3], [x - r * 1.3, y]]);
    else if (marker === "^") polygon(context, [[x, y - r * 1.2], [x + r * 1.1, y + r], [x - r * 1.1, y + r]]);
    else if (marker === "v" || marker === "*") polygon(context, [[x, y + r * 1.2], [x + r * 1.1, y - r], [x - r * 1.1, y - r]]);
    else context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
  }
  function polygon(context, points) {
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
  }

  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  // On paper everything is open.
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not(.needs-script)")) {
      if (!part.open) part.open = part.wasClosed = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const part of document.querySelectorAll("details")) if (part.wasClosed) part.open = part.wasClosed = false;
  });

  return { data, colour, duration, unitFor, element, choice, follow, mark };
})();
