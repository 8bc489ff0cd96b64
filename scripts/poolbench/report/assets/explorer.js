"use strict";
// Repetitions, medians, intervals and the model of one workload, against any two factors.
(() => {
  const { data, colour, duration, unitFor, element, choice, follow, mark } = poolbench;
  const FACTORS = { workers: "workers", backend: "executor", strategy: "callbacks by", parsers: "parsers", chunksize: "chunk size", in_flight: "in flight" };
  const COLOURS = ["blue", "vermilion", "green", "purple", "orange", "sky", "grey", "ink"];
  const MARKERS = ["o", "s", "D", "^", "v"];

  const valuesOf = (cells, factor) =>
    [...new Set(cells.map((cell) => cell.factors[factor]))].sort((a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(b)));

  function explore(details) {
    const scenario = data.runs[details.dataset.run].scenarios[details.dataset.scenario];
    const prefix = data.runs[details.dataset.run].prefix;
    const varying = Object.keys(FACTORS).filter((factor) => valuesOf(scenario.cells, factor).length > 1);
    const all = [...varying, ...Object.keys(FACTORS).filter((factor) => !varying.includes(factor))];
    const state = { across: all[0], by: all[1], only: {}, log: false };
    const controls = element("div", { class: "controls" });
    const chart = element("div", { class: "chart", role: "img" });
    const key = element("ul", { class: "key" });
    const readout = element("p", { class: "readout" });
    details.querySelector(".explorer-body").append(controls, key, chart, readout);
    let plot = null;
    let dots = [];

    function buildControls() {
      const options = all.map((factor) => [factor, FACTORS[factor]]);
      controls.replaceChildren(
        choice("Across", options, state.across, (value) => { state.across = value; rebuild(); }),
        choice("Colour", options, state.by, (value) => { state.by = value; rebuild(); }),
      );
      for (const factor of varying.filter((name) => name !== state.across && name !== state.by)) {
        const values = valuesOf(scenario.cells, factor);
        controls.append(choice(`Only ${FACTORS[factor]}`, [["", "all"], ...values.map((value) => [String(value), String(value)])],
          state.only[factor] ?? "", (value) => { state.only[factor] = value; draw(chart.clientWidth); }));
      }
      const log = element("input", { type: "checkbox", onchange: () => { state.log = log.checked; draw(chart.clientWidth); } });
      log.checked = state.log;
      controls.append(element("label", { class: "check" }, log, "logarithmic"));
    }

    function rebuild() {
      buildControls();
      draw(chart.clientWidth);
    }

    function look(value, place) {
      const known = state.by === "backend" ? data.looks[value] : null;
      return known ?? { colour: COLOURS[place % COLOURS.length], marker: MARKERS[place % MARKERS.length] };
    }

    function draw(width) {
      if (!width) return;
      const cells = scenario.cells.filter((cell) =>
        varying.every((factor) => factor === state.across || factor === state.by || !state.only[factor] || String(cell.factors[factor]) === state.only[factor]));
      const places = valuesOf(cells, state.across);
      const groups = valuesOf(cells, state.by);
      key.replaceChildren(...groups.map((value, place) => keyItem(`${FACTORS[state.by]} ${value}`, look(value, place))),
        element("li", {}, "large: median with its interval; small: a repetition; dashes: exact model"));
      chart.setAttribute("aria-label", `Makespans of ${scenario.title}, ${FACTORS[state.across]} across, ${FACTORS[state.by]} by colour; the table below has the numbers`);
      const times = cells.flatMap((cell) => [...cell.repetitions.map(([, ns]) => ns), cell.predicted, cell.high]).filter((ns) => ns > 0);
      const top = Math.max(...times, 1) * 1.08;
      const bottom = state.log ? Math.min(...times, top) / 1.3 : 0;
      const [unit, unitName] = unitFor(top / 2);
      plot?.destroy();
      const axis = { stroke: colour("ink"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("guide"), width: 1 }, font: "13px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif" };
      plot = new uPlot({
        width, height: 340, legend: { show: false },
        cursor: { drag: { x: false, y: true }, points: { show: false } },
        scales: { x: { time: false, range: () => [-0.5, places.length - 0.5] }, y: { range: () => [bottom, top], distr: state.log ? 3 : 1 } },
        axes: [
          { ...axis, grid: { show: false }, label: FACTORS[state.across], splits: () => places.map((_, i) => i), values: () => places.map(String) },
          { ...axis, label: `makespan (${unitName})`, size: 62, values: (_, splits) => splits.map((ns) => (ns === null ? "" : String(Number((ns / unit).toPrecision(4))))) },
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [(u) => paint(u, cells, places, groups)], setCursor: [(u) => tell(u)] },
      }, [places.map((_, i) => i), places.map(() => top)], chart);
      plot.over.addEventListener("click", () => {
        const dot = nearest(plot);
        if (dot) location.hash = `#${prefix}-${dot.cell.id}`;
      });
    }

    function keyItem(text, { colour: name, marker }) {
      const canvas = element("canvas", { width: 24, height: 24, style: "width:12px;height:12px;margin-right:4px", "aria-hidden": "true" });
      const context = canvas.getContext("2d");
      context.fillStyle = colour(name);
      mark(context, marker, 12, 12, 8);
      return element("li", {}, canvas, text);
    }

    function paint(u, cells, places, groups) {
      const { ctx } = u;
      const ratio = devicePixelRatio;
      dots = [];
      ctx.save();
      ctx.beginPath();
      ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      ctx.clip();
      const slot = 0.7 / groups.length;
      groups.forEach((group, number) => {
        const { colour: name, marker } = look(group, number);
        const own = cells.filter((cell) => cell.factors[state.by] === group);
        const single = places.every((place) => own.filter((cell) => cell.factors[state.across] === place).length <= 1);
        const xOf = (cell) => {
          const mates = own.filter((other) => other.factors[state.across] === cell.factors[state.across]);
          const within = (mates.indexOf(cell) + 0.5) / mates.length - 0.5;
          return places.indexOf(cell.factors[state.across]) + (number - (groups.length - 1) / 2) * slot + within * slot * 0.8;
        };
        const px = (cell) => u.valToPos(xOf(cell), "x", true);
        const py = (ns) => u.valToPos(ns, "y", true);
        ctx.strokeStyle = ctx.fillStyle = colour(name);
        const measured = own.filter((cell) => cell.median !== null).sort((a, b) => xOf(a) - xOf(b));
        if (single) line(ctx, measured.map((cell) => [px(cell), py(cell.median)]), 1.5 * ratio, []);
        for (const cell of own) {
          const x = px(cell);
          if (cell.predicted > 0) line(ctx, [[x - 14 * ratio, py(cell.predicted)], [x + 14 * ratio, py(cell.predicted)]], 2 * ratio, [4 * ratio, 3 * ratio], colour("ink"));
          if (cell.median !== null) {
            line(ctx, [[x, py(cell.low)], [x, py(cell.high)]], 2.5 * ratio, []);
            mark(ctx, marker, x, py(cell.median), 5.5 * ratio);
          }
          ctx.globalAlpha = 0.6;
          for (const [rep, ns] of cell.repetitions) {
            mark(ctx, marker, x + 9 * ratio, py(ns), 2.5 * ratio);
            dots.push({ x: (x + 9 * ratio) / ratio, y: py(ns) / ratio, cell, rep, ns });
          }
          ctx.globalAlpha = 1;
          if (cell.failures) {
            ctx.fillStyle = colour("bad");
            ctx.font = `${13 * ratio}px system-ui, sans-serif`;
            ctx.fillText(`✗ ${cell.failures} failed`, x - 8 * ratio, u.bbox.top + 14 * ratio);
            ctx.fillStyle = colour(name);
          }
        }
      });
      ctx.restore();
    }

    function line(ctx, points, width, dash, stroke) {
      ctx.save();
      if (stroke) ctx.strokeStyle = stroke;
      ctx.lineWidth = width;
      ctx.setLineDash(dash);
      ctx.beginPath();
      points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      ctx.stroke();
      ctx.restore();
    }

    function nearest(u) {
      const { left, top } = u.cursor;
      if (left === null || left < 0) return null;
      const x = left + u.bbox.left / devicePixelRatio;
      const y = top + u.bbox.top / devicePixelRatio;
      let best = null;
      let least = 24 ** 2;
      for (const dot of dots) {
        const far = (dot.x - x) ** 2 + (dot.y - y) ** 2;
        if (far < least) [best, least] = [dot, far];
      }
      return best;
    }

    function tell(u) {
      const dot = nearest(u);
      readout.textContent = dot
        ? `${dot.cell.name}: repetition ${dot.rep} took ${duration(dot.ns)}; median ${duration(dot.cell.median)} [${duration(dot.cell.low)}, ${duration(dot.cell.high)}]` +
          (dot.cell.predicted > 0 ? `, exact model ${duration(dot.cell.predicted)}` : "") + ". Click: its rows."
        : "Point at a dot to see what it is. Drag up or down to zoom; double-click: everything.";
    }

    rebuild();
    readout.textContent = "Point at a dot to see what it is. Drag up or down to zoom; double-click: everything.";
    follow(chart, draw);
  }

  for (const details of document.querySelectorAll("details.explorer")) {
    details.addEventListener("toggle", () => {
      if (details.open && !details.dataset.drawn) {
        details.dataset.drawn = "yes";
        explore(details);
      }
    });
  }
})();
