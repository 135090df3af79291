// Sorting and finding students. Without it the page shows the same, ordered by name.
"use strict";
for (const table of document.querySelectorAll("table.students")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const rows = [...body.rows].map((row) => [value(row), row]);
      const numeric = head.classList.contains("n") || head.classList.contains("share");
      rows.sort(([a], [b]) => (numeric ? Number(a) - Number(b) : a.localeCompare(b, undefined, { numeric: true })));
      if (down) rows.reverse();
      body.append(...rows.map(([, row]) => row));
    });
  });
}
const find = document.querySelector("#find");
if (find) {
  find.closest(".find").hidden = false;
  const rows = [...document.querySelectorAll("table.students tbody tr")];
  const count = document.querySelector("#found");
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    let found = 0;
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      found += !row.hidden;
    }
    count.textContent = wanted ? `${found} of ${rows.length}` : "";
  });
}
