"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const rows = all("#list tbody tr");
  const search = one("#search"), cohort = one("#cohort"), review = one("#reviewed"), trial = one("#trial");
  let decision = "";

  function filter() {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.text;
      const fits = words.every(word => text.includes(word)) && (!decision || row.dataset.decision === decision)
        && (!cohort.value || row.dataset.cohort === cohort.value) && (!review.value || row.dataset.reviewed === review.value)
        && (!trial.value || row.dataset.trial === trial.value);
      row.hidden = !fits;
      shown += fits;
    }
    one("#count").textContent = `${shown} of ${rows.length} shown`;
  }
  for (const control of [search, cohort, review, trial]) control.addEventListener("input", filter);
  for (const tile of all(".tile")) tile.addEventListener("click", () => {
    decision = decision === tile.dataset.decision ? "" : tile.dataset.decision;
    for (const other of all(".tile")) other.setAttribute("aria-pressed", String(other.dataset.decision === decision));
    filter();
  });
  for (const head of all("#list th")) head.addEventListener("click", () => {
    const at = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of all("#list th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[at].dataset.key ?? row.cells[at].textContent;
    rows.sort((a, b) => key(a).localeCompare(key(b), undefined, { numeric: true }) * (up ? 1 : -1));
    one("#list tbody").append(...rows);
  });

  // the notes of a patient are text; offsets count code points, JavaScript's strings count UTF-16 units
  function open(note, start, end, root) {
    const source = all("[data-note]", root).find(item => item.dataset.note === note);
    const dialog = one("#note"), pre = one("pre", dialog);
    if (!source) return;
    const letters = Array.from(source.textContent);
    const mark = document.createElement("mark");
    mark.className = "evidence";
    mark.textContent = letters.slice(start, end).join("");
    pre.replaceChildren(letters.slice(0, start).join(""), mark, letters.slice(end).join(""));
    one("h2", dialog).textContent = source.dataset.title;
    dialog.showModal();
    mark.scrollIntoView({ block: "center" });
  }

  const page = one("#v-patient");
  function show() {
    const hash = location.hash.slice(1) || "patients";
    const template = hash.startsWith("p-") ? document.getElementById(hash) : null;
    for (const view of all("main > section")) view.hidden = template ? view !== page : view.id !== `v-${hash}`;
    for (const tab of all("nav.tabs a")) {
      if (!template && tab.hash === `#${hash}`) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    if (!template) { page.replaceChildren(); return; }
    page.replaceChildren(template.content.cloneNode(true));
    window.scrollTo(0, 0);
    one("h2", page).focus();
    for (const button of all(".source button", page)) button.addEventListener("click", () =>
      open(button.dataset.of, Number(button.dataset.start), Number(button.dataset.end), page));
    const choices = all(".segmented button", page);
    for (const choice of choices) choice.addEventListener("click", () => {
      for (const other of choices) other.setAttribute("aria-pressed", String(other === choice));
      for (const row of all(".criteria tbody tr", page))
        row.hidden = choice.dataset.show !== "" && !row.dataset.show.split(" ").includes(choice.dataset.show);
    });
  }
  window.addEventListener("hashchange", show);
  // j and k go through the patients of the list as it is filtered and sorted
  document.addEventListener("keydown", event => {
    if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const links = rows.filter(row => !row.hidden).map(row => one("a", row)).filter(Boolean).map(link => link.hash);
    const at = links.indexOf(location.hash);
    const next = links[at < 0 ? 0 : at + step];
    if (next) location.hash = next;
  });
  filter();
  show();
})();
