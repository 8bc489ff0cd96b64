"use strict";
// Who ran what, and when: a traced repetition as lanes over time, with zoom and pan.
(() => {
  const { data, colour, duration, unitFor, element, choice, follow } = poolbench;
  const PER_TASK = 7; // numbers: see traces.py
  const MOST_ROWS_OF_A_LANE = 12; // on an event loop tasks of a lane overlap

  // Who ran a bar: what it is called and its colour.
  const KINDS = [["task", "blue"], ["callback by the task's own worker", "orange"], ["callback by another worker", "purple"], ["callback", "green"]];

  // Bars of a trace: {lane, kind, task, from, to, submitted}, in order of their start; overlapping ones of a lane in rows of their own.
  function barsOf(trace) {
    const bars = [];
    const { tasks } = trace;
    for (let task = 0, at = 0; at < tasks.length; task++, at += PER_TASK) {
      const [lane, submitted, waited, ran, callbackLane, lag, callbackRan] = tasks.slice(at, at + PER_TASK);
      const from = submitted + waited;
      const to = from + ran;
      bars.push({ lane, kind: 0, task, from, to, submitted, waited });
      if (callbackLane >= 0) {
        const kind = callbackLane === lane ? 1 : callbackLane < trace.workers ? 2 : 3;
        bars.push({ lane: callbackLane, kind, task, from: to + lag, to: to + lag + callbackRan, submitted, waited: lag });
      }
    }
    bars.sort((a, b) => a.from - b.from || b.to - a.to);
    const ends = trace.lanes.map(() => []);
    for (const bar of bars) {
      let row = ends[bar.lane].findIndex((end) => end <= bar.from);
      if (row < 0) row = ends[bar.lane].length < MOST_ROWS_OF_A_LANE ? ends[bar.lane].length : bars.indexOf(bar) % MOST_ROWS_OF_A_LANE;
      ends[bar.lane][row] = bar.to;
      bar.row = row;
    }
    const byKind = KINDS.map((_, kind) => bars.filter((bar) => bar.kind === kind));
    return { bars, byKind, rows: ends.map((lane) => Math.max(1, lane.length)), end: Math.max(...bars.map((bar) => bar.to), 1) };
  }

  function timeline(box) {
    const run = data.runs[box.dataset.run];
    const scenarios = [...new Set(run.traces.map((trace) => trace.scenario))];
    const start = run.traces.find((trace) => trace.tasks[4] >= 0) ?? run.traces[0]; // one with callbacks shows most
    const state = { trace: start, from: 0, to: 1, chosen: -1 };
    let found = barsOf(start);
    let plot = null;
    let pending = false;
    const controls = element("div", { class: "controls" });
    const buttons = element("div", { class: "controls", role: "group", "aria-label": "Zoom and pan" });
    const key = element("ul", { class: "key" });
    const help = element("p", { id: `${run.prefix}-timeline-help` },
      "Drag to pan, hold Ctrl and turn the wheel to zoom. With the keyboard: arrows pan, + and − zoom, Home shows everything, n and p go from bar to bar.");
    const chart = element("div", { class: "chart pans", tabindex: "0", role: "application", "aria-roledescription": "timeline", "aria-describedby": help.id });
    const readout = element("p", { class: "readout", role: "status" });
    box.append(controls, buttons, key, chart, readout, help);
    const actions = { "←": ["Earlier", () => pan(-0.25)], "→": ["Later", () => pan(0.25)], "+": ["Zoom in", () => zoom(0.5)], "−": ["Zoom out", () => zoom(2)], "Show all": ["Show all of it", () => show(0, found.end)] };
    for (const [text, [label, act]] of Object.entries(actions)) buttons.append(element("button", { type: "button", "aria-label": label, onclick: act }, text));

    function choose(trace) {
      state.trace = trace;
      state.chosen = -1;
      found = barsOf(trace);
      state.from = 0;
      state.to = found.end;
      const mates = run.traces.filter((other) => other.scenario === trace.scenario);
      const cells = [...new Map(mates.map((other) => [other.cell, other.name]))];
      const reps = mates.filter((other) => other.cell === trace.cell);
      const first = (test) => mates.find((other) => test(other) && other.median) ?? mates.find(test);
      controls.replaceChildren(
        choice("Workload", scenarios.map((title) => [title, title]), trace.scenario, (value) => choose(run.traces.find((other) => other.scenario === value))),
        choice("Cell", cells, trace.cell, (value) => choose(first((other) => other.cell === value))),
        choice("Repetition", reps.map((other) => [other.rep, `${other.rep}${other.median ? " (the median one)" : ""}`]), trace.rep,
          (value) => choose(reps.find((other) => String(other.rep) === value))),
        element("a", { href: `#${run.prefix}-${trace.cell}` }, "its rows"),
      );
      const kinds = [...new Set(found.bars.map((bar) => bar.kind))].sort();
      key.replaceChildren(...kinds.map((kind) => element("li", {},
        element("span", { "aria-hidden": "true", style: `display:inline-block;width:1.4em;height:0.8em;margin-right:0.4em;background:var(--${KINDS[kind][1]})` }), nameOf(kind))));
      chart.setAttribute("aria-label", `Timeline of ${trace.scenario}, ${trace.name}, repetition ${trace.rep}: ${trace.tasks.length / PER_TASK} tasks in ${trace.lanes.length} lanes`);
      readout.textContent = `${trace.tasks.length / PER_TASK} tasks, ${duration(found.end)} in all. Point at a bar to see what it is.`;
      build(chart.clientWidth);
    }

    const nameOf = (kind) => (kind === 3 ? `callback by the ${state.trace.kind}` : KINDS[kind][0]);

    function build(width) {
      if (!width) return;
      const lanes = state.trace.lanes;
      const height = Math.round(Math.min(Math.max(lanes.length * 26, 90), 700)) + 72;
      const names = lanes.map((name) => (lanes.length > 60 ? "" : name));
      const axis = { stroke: colour("ink"), font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", ticks: { stroke: colour("guide"), width: 1 } };
      plot?.destroy();
      plot = new uPlot({
        width, height, legend: { show: false }, pxAlign: false,
        cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false }, y: false },
        scales: { x: { time: false, range: () => [state.from, state.to] }, y: { range: () => [0, lanes.length], dir: -1 } },
        axes: [
          { ...axis, grid: { stroke: colour("line"), width: 1 }, label: "time since the first submit", values: (_, splits) => timeTexts(splits) },
          { ...axis, grid: { show: false }, size: Math.max(60, 22 + 7 * Math.max(...names.map((name) => name.length))), splits: () => lanes.map((_, lane) => lane + 0.5), values: () => names },
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [paint], setCursor: [point] },
      }, [[0, found.end], [0, lanes.length]], chart);
    }

    function timeTexts(splits) {
      const [unit, name] = unitFor(Math.max(Math.abs(splits[splits.length - 1]), 1));
      const step = (splits[1] - splits[0]) / unit || 1;
      let digits = 0; // as few as tell the ticks apart exactly
      while (digits < 9 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
      return splits.map((ns) => `${(ns / unit).toFixed(digits)} ${name}`);
    }

    function paint(u) {
      const { ctx, bbox } = u;
      const scale = bbox.width / (state.to - state.from);
      const laneHeight = bbox.height / state.trace.lanes.length;
      const fills = KINDS.map(([, name]) => colour(name));
      const texts = colour("paper");
      const size = Math.min(12 * devicePixelRatio, laneHeight * 0.5);
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.font = `${size}px system-ui, sans-serif`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      const named = [];
      found.byKind.forEach((bars, kind) => {
        ctx.fillStyle = fills[kind];
        const drawn = []; // of a lane's row, up to which pixel: what is narrower than one is drawn once
        for (const bar of bars) {
          if (bar.from > state.to) break;
          if (bar.to < state.from) continue;
          const left = bbox.left + (bar.from - state.from) * scale;
          const right = bbox.left + (bar.to - state.from) * scale;
          const place = bar.lane * MOST_ROWS_OF_A_LANE + bar.row;
          if (right - left < 1 && Math.floor(right) === drawn[place]) continue;
          drawn[place] = Math.floor(right);
          const rows = found.rows[bar.lane];
          const height = (laneHeight * 0.8) / rows;
          const top = bbox.top + laneHeight * (bar.lane + 0.1) + height * bar.row;
          ctx.fillRect(left, top, Math.max(1, right - left - (right - left > 4 ? 1 : 0)), height - (rows > 1 && height > 3 ? 1 : 0));
          if (right - left > size * 2.2 && height > size) {
            named.push([bar.task, (Math.max(left, bbox.left) + Math.min(right, bbox.left + bbox.width)) / 2, top + height / 2]);
          }
        }
      });
      ctx.fillStyle = texts;
      for (const [task, x, y] of named) ctx.fillText(String(task), x, y);
      const bar = found.bars[state.chosen];
      if (bar) {
        ctx.strokeStyle = colour("ink");
        ctx.lineWidth = 2 * devicePixelRatio;
        const height = (laneHeight * 0.8) / found.rows[bar.lane];
        ctx.strokeRect(bbox.left + (bar.from - state.from) * scale, bbox.top + laneHeight * (bar.lane + 0.1) + height * bar.row, Math.max(3, (bar.to - bar.from) * scale), height);
      }
      ctx.restore();
    }

    // At most one drawing per frame, however many events there are.
    function redraw() {
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        plot.setScale("x", { min: state.from, max: state.to });
      });
    }

    function show(from, to) {
      const span = Math.min(Math.max(to - from, 100), found.end);
      state.from = Math.min(Math.max(from, 0), found.end - span);
      state.to = state.from + span;
      redraw();
    }
    const pan = (share) => show(state.from + share * (state.to - state.from), state.to + share * (state.to - state.from));
    function zoom(by, at = 0.5) {
      const span = state.to - state.from;
      const middle = state.from + at * span;
      show(middle - at * span * by, middle + (1 - at) * span * by);
    }

    function told(bar) {
      const lane = state.trace.lanes[bar.lane];
      const what = bar.kind === 0 ? `task ${bar.task}` : `callback of task ${bar.task}`;
      const waited = bar.kind === 0 ? `waited ${duration(bar.waited)} after its submit` : `began ${duration(bar.waited)} after the task's end`;
      return `${what} on ${lane}: ${duration(bar.to - bar.from)}, from ${duration(bar.from)} to ${duration(bar.to)}; ${waited}` + (bar.kind > 0 ? `; ${nameOf(bar.kind)}` : "") + ".";
    }

    function point(u) {
      const { left, top } = u.cursor;
      if (left === null || left < 0 || !u.bbox) return;
      const at = u.posToVal(left, "x");
      const y = u.posToVal(top, "y");
      const lane = Math.floor(y);
      const row = Math.floor(((y - lane - 0.1) / 0.8) * found.rows[lane]);
      const slack = (state.to - state.from) / 400;
      let best = -1;
      found.bars.forEach((bar, i) => {
        if (bar.lane === lane && bar.row === row && bar.from - slack <= at && at <= bar.to + slack && (best < 0 || at >= bar.from)) best = i;
      });
      if (best === state.chosen) return;
      state.chosen = best;
      if (best >= 0) readout.textContent = told(found.bars[best]);
      redraw();
    }

    function step(by) {
      const from = state.chosen < 0 ? (by > 0 ? -1 : found.bars.length) : state.chosen;
      state.chosen = Math.min(Math.max(from + by, 0), found.bars.length - 1);
      const bar = found.bars[state.chosen];
      readout.textContent = told(bar);
      if (bar.from < state.from || bar.to > state.to) show(bar.from - (state.to - state.from) * 0.1, bar.from + (state.to - state.from) * 0.9);
      else redraw();
    }

    chart.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Home: () => show(0, found.end), n: () => step(1), p: () => step(-1) };
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
      event.preventDefault();
      keys[event.key]();
    });
    chart.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      const area = plot.over.getBoundingClientRect();
      zoom(Math.exp(event.deltaY / 300), Math.min(Math.max((event.clientX - area.left) / area.width, 0), 1));
    }, { passive: false });
    let held = null;
    chart.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held = { x: event.clientX, from: state.from, to: state.to };
      chart.setPointerCapture(event.pointerId);
      chart.classList.add("held");
    });
    chart.addEventListener("pointermove", (event) => {
      if (!held) return;
      const by = ((held.x - event.clientX) / plot.over.clientWidth) * (held.to - held.from);
      show(held.from + by, held.to + by);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      chart.addEventListener(name, () => {
        held = null;
        chart.classList.remove("held");
      });
    }
    chart.addEventListener("dblclick", () => show(0, found.end));

    choose(start);
    follow(chart, build);
    box.timeline = { state, show, trace: (place) => choose(run.traces[place]) };
  }

  for (const box of document.querySelectorAll(".timeline")) timeline(box);
})();
