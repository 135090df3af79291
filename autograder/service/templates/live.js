// Pages show times in the reader's zone, and change by themselves: no reload, and no loss of place or focus.
(() => {
  "use strict";
  const date = { dateStyle: "medium", timeStyle: "short" };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  function localize(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const style = "seconds" in time.dataset ? { ...date, timeStyle: "medium" } : date;
      const at = new Date(time.dateTime);
      time.title = time.dateTime.replace("T", " ").replace("Z", " UTC");
      time.textContent = new Intl.DateTimeFormat(undefined, style).format(at);
    }
    for (const field of root.querySelectorAll("input[data-due]")) {
      const at = field.defaultValue ? new Date(field.defaultValue + "Z") : null;
      const offset = (at || new Date()).getTimezoneOffset();
      if (at) field.value = field.defaultValue = new Date(at - offset * 60000).toISOString().slice(0, 16);
      field.addEventListener("change", () => {
        const chosen = field.value ? new Date(field.value) : new Date();
        field.form.querySelector("[data-offset]").value = chosen.getTimezoneOffset();
      });
      field.form.querySelector("[data-offset]").value = offset;
    }
    for (const name of root.querySelectorAll(".zone")) name.textContent = zone;
    for (const note of root.querySelectorAll(".zone-note")) note.textContent = `(${zone})`;
  }

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  const main = document.getElementById("live");
  const said = document.getElementById("said");
  const fresh = document.getElementById("fresh");
  let shown = main.innerHTML;
  let every = Number(main.dataset.every);
  let etag = null;

  async function refresh() {
    if (document.hidden || !every || main.querySelector("input:focus")) return;
    const answer = await fetch(location.pathname, {
      headers: etag ? { "If-None-Match": etag } : {}, redirect: "manual", cache: "no-store",
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      every = 0;
      fresh.textContent = "You are signed out: load the page again.";
      return;
    }
    fresh.textContent = "";
    if (answer.status === 304 || !answer.ok) return;
    etag = answer.headers.get("ETag");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!page) return;
    every = Number(page.dataset.every);
    if (page.innerHTML === shown) return;
    const focus = document.activeElement && main.contains(document.activeElement) ? place(document.activeElement) : null;
    shown = page.innerHTML;
    localize(page);
    main.replaceChildren(...page.childNodes);
    if (focus) main.querySelector(focus)?.focus({ preventScroll: true });
    const state = main.querySelector(".badge");
    if (state) said.textContent = `Changed: ${state.textContent}`;
  }

  function place(element) {
    if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
    const form = element.closest("form");
    return form ? `form[action="${CSS.escape(form.getAttribute("action"))}"] button` : null;
  }

  async function loop() {
    try {
      await refresh();
    } catch {
      fresh.textContent = "The service does not answer: this page may be out of date.";
    }
    setTimeout(loop, 1000 * (every || 30));
  }
  localize(document);
  setTimeout(loop, 1000 * (every || 30));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });
})();
