"use strict";
// The raw rows: filtered, and saved as CSV.
(() => {
  const { data, element } = poolbench;

  for (const section of document.querySelectorAll("section.rows")) {
    const { columns, constant, prefix } = data.runs[section.dataset.run];
    const table = section.querySelector("table.raw");
    const form = section.querySelector("form.filter");
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const groups = [...table.tBodies].map((body) => ({ body, rows: [...body.rows].slice(1) }));
    const rows = groups.flatMap((group) => group.rows);
    const valueOf = (row, column) => (column in constant ? constant[column] : row.cells[heads.indexOf(column)].textContent);

    for (const column of ["status", "backend", "workload"]) {
      for (const value of [...new Set(rows.map((row) => valueOf(row, column)))].sort()) form.elements[column].append(element("option", { value }, value));
    }

    // Words are looked for in the row and in the title of its cell; all of them have to be there.
    function filter() {
      const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = ["status", "backend", "workload", "is_warmup"].map((column) => [column, form.elements[column].value]).filter(([, value]) => value !== "");
      let shown = 0;
      for (const group of groups) {
        const title = group.body.rows[0].textContent;
        let any = false;
        for (const row of group.rows) {
          const text = words.length ? `${title} ${[...row.cells].map((cell) => cell.textContent).join(" ")}`.toLowerCase() : "";
          row.hidden = !(words.every((word) => text.includes(word)) && wanted.every(([column, value]) => valueOf(row, column) === value));
          any ||= !row.hidden;
          shown += row.hidden ? 0 : 1;
        }
        group.body.hidden = !any;
      }
      section.querySelector(".count").textContent = `${shown} of ${rows.length} rows`;
    }

    const quoted = (text) => (/[",\r\n]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    function csv() {
      const lines = [columns, ...rows.filter((row) => !row.hidden).map((row) => columns.map((column) => valueOf(row, column)))];
      return lines.map((line) => line.map(quoted).join(",") + "\n").join("");
    }

    form.addEventListener("input", filter);
    form.addEventListener("change", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(filter));
    form.querySelector(".save").addEventListener("click", () => {
      const link = element("a", { href: URL.createObjectURL(new Blob([csv()], { type: "text/csv" })), download: "results.csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    section.csv = csv;

    // A number leads to its rows whatever the filter hides.
    function lead() {
      const body = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (!body || !table.contains(body)) return;
      if (body.hidden || [...body.rows].some((row) => row.hidden)) {
        form.reset();
        filter();
      }
      groups.forEach((group) => group.body.classList.toggle("shown", group.body === body));
      body.scrollIntoView({ block: "start" });
      body.focus({ preventScroll: true });
    }
    addEventListener("hashchange", lead);
    filter();
    if (location.hash.startsWith(`#${prefix}-`)) lead();
  }
})();
