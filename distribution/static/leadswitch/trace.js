// The trace drawer and what is in it: tabs, filter, and what would help a buyer. Without it every link leads to a
// page of its own.
"use strict";
(() => {
  const FRAGMENT = { headers: { "X-LeadSwitch-Fragment": "1" }, credentials: "same-origin" };
  const PARAMETER = "trace";
  let drawer = null;
  let opener = null;
  let latest = 0;

  async function fetchFragment(url) {
    const response = await fetch(url, FRAGMENT);
    if (response.redirected) {
      // The session is over: the login page is no fragment.
      window.location.assign(url);
      throw new Error("redirected");
    }
    if (!response.ok) {
      throw new Error(response.status === 404 ? "This does not exist, or you do not have access to it." : `The server returned ${response.status}.`);
    }
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    return holder.content;
  }

  function failure(error, url) {
    const text = document.createElement("p");
    text.className = "ls-failure";
    text.setAttribute("role", "alert");
    text.append(`This could not be loaded. ${error.message} `);
    const link = document.createElement("a");
    link.href = url;
    link.textContent = "Open it as a page";
    text.append(link);
    return text;
  }

  async function fill(target, url, after) {
    const asked = String((latest += 1));
    target.dataset.asked = asked;
    target.setAttribute("aria-busy", "true");
    let content;
    try {
      content = await fetchFragment(url);
    } catch (error) {
      content = failure(error, url);
    }
    if (target.dataset.asked !== asked) {
      return; // a newer request replaced this one
    }
    target.removeAttribute("aria-busy");
    target.replaceChildren(content);
    prepare(target);
    if (after) {
      after();
    }
  }

  // --- drawer ---------------------------------------------------------------------------------------------------

  function makeDrawer() {
    const made = document.createElement("dialog");
    made.className = "ls-drawer";
    made.dataset.testid = "trace-drawer";
    made.setAttribute("aria-labelledby", "ls-drawer-title");
    const head = document.createElement("header");
    const title = document.createElement("h2");
    title.id = "ls-drawer-title";
    const page = document.createElement("a");
    page.className = "ls-drawer-page";
    page.textContent = "Open as a page";
    const close = document.createElement("button");
    close.type = "button";
    close.className = "ls-drawer-close";
    close.dataset.testid = "trace-close";
    close.setAttribute("aria-label", "Close");
    close.textContent = "\u00d7";
    close.addEventListener("click", () => made.close());
    head.append(title, page, close);
    const body = document.createElement("div");
    body.className = "ls-drawer-body";
    body.tabIndex = -1;
    made.append(head, body);
    made.addEventListener("close", closed);
    made.addEventListener("keydown", keepFocus);
    made.addEventListener("mousedown", (event) => {
      if (event.target === made) {
        made.close();
      }
    });
    document.body.append(made);
    return made;
  }

  function open(id, url) {
    drawer = drawer || makeDrawer();
    const heading = drawer.querySelector("h2");
    heading.textContent = "Trace";
    drawer.querySelector(".ls-drawer-page").href = url;
    const body = drawer.querySelector(".ls-drawer-body");
    body.replaceChildren(Object.assign(document.createElement("p"), { className: "ls-empty", textContent: "Loading …" }));
    keepInAddress(id);
    if (!drawer.open) {
      drawer.showModal();
    }
    body.scrollTop = 0;
    drawer.querySelector(".ls-drawer-close").focus();
    fill(body, url, () => {
      const title = body.querySelector("[data-trace]")?.dataset.title;
      heading.textContent = title ? `Trace: ${title}` : "Trace";
    });
  }

  function closed() {
    keepInAddress(null);
    const back = opener && opener.isConnected ? opener : null;
    opener = null;
    if (back) {
      back.focus();
    }
  }

  // The dialog makes the page behind it inert; this also keeps Tab from leaving for the browser's own controls.
  function keepFocus(event) {
    if (event.key !== "Tab") {
      return;
    }
    const reachable = [...drawer.querySelectorAll("a[href], button, input, select, [tabindex='0']")].filter(
      (each) => each.tabIndex >= 0 && each.getClientRects().length > 0,
    );
    const first = reachable[0];
    const last = reachable[reachable.length - 1];
    const at = document.activeElement;
    if (event.shiftKey && (at === first || !drawer.contains(at))) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && (at === last || !drawer.contains(at))) {
      event.preventDefault();
      first.focus();
    }
  }

  function keepInAddress(id) {
    const url = new URL(window.location.href);
    if (id) {
      url.searchParams.set(PARAMETER, id);
    } else {
      url.searchParams.delete(PARAMETER);
    }
    window.history.replaceState(window.history.state, "", url);
  }

  function openFromAddress() {
    const id = new URL(window.location.href).searchParams.get(PARAMETER);
    const list = document.getElementById("changelist");
    if (!list || !id || !/^[0-9a-f-]{32,36}$/i.test(id)) {
      return;
    }
    const link = document.querySelector(`[data-trace-open="${CSS.escape(id)}"]`);
    opener = link;
    // The lead may be on another page of the list.
    open(id, link ? link.href : new URL(`${id}/trace/`, window.location.href.split(/[?#]/)[0]).href);
  }

  // --- tabs -----------------------------------------------------------------------------------------------------

  function choose(tab) {
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    for (const each of tabs) {
      const isChosen = each === tab;
      each.setAttribute("aria-selected", String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
    }
    tab.focus();
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    const panel = tab.closest("[data-trace]").querySelector("[data-trace-panel]");
    panel.setAttribute("aria-labelledby", tab.id);
    fill(panel, tab.href);
  }

  function moveAlong(event, tab) {
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    const place = tabs.indexOf(tab);
    const target = {
      ArrowRight: tabs[(place + 1) % tabs.length],
      ArrowLeft: tabs[(place - 1 + tabs.length) % tabs.length],
      Home: tabs[0],
      End: tabs[tabs.length - 1],
    }[event.key];
    if (target) {
      event.preventDefault();
      choose(target);
    } else if (event.key === " ") {
      event.preventDefault();
      choose(tab);
    }
  }

  // --- the table of buyers --------------------------------------------------------------------------------------

  function prepare(root) {
    for (const bar of root.querySelectorAll("[data-trace-filter]")) {
      bar.hidden = false;
      filter(bar);
    }
    for (const link of root.querySelectorAll("[data-remedy]")) {
      link.setAttribute("role", "button");
      link.setAttribute("aria-expanded", "false");
    }
  }

  function filter(bar) {
    const attempt = bar.closest(".ls-attempt");
    const wanted = bar.querySelector("[data-filter-text]").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const reason = bar.querySelector("[data-filter-reason]").value;
    const rows = attempt.querySelectorAll(".ls-buyers > tbody > tr[data-reason]");
    let shown = 0;
    for (const row of rows) {
      const heading = row.parentElement.rows[0];
      row.searchText = row.searchText || `${heading.textContent} ${row.textContent}`.toLowerCase();
      const isShown = (!reason || row.dataset.reason === reason) && wanted.every((word) => row.searchText.includes(word));
      row.hidden = !isShown;
      shown += Number(isShown);
      const opened = row.nextElementSibling;
      if (opened && opened.classList.contains("ls-remedy-row")) {
        opened.hidden = !isShown;
      }
    }
    for (const group of attempt.querySelectorAll("[data-reason-group]")) {
      group.hidden = !group.querySelector("tr[data-reason]:not([hidden])");
    }
    bar.querySelector("[data-filter-count]").textContent = `${shown.toLocaleString("en-US")} of ${rows.length.toLocaleString("en-US")} buyers`;
    attempt.querySelector("[data-filter-empty]").hidden = shown > 0;
  }

  function toggleRemedy(link) {
    const row = link.closest("tr");
    const opened = row.nextElementSibling;
    if (opened && opened.classList.contains("ls-remedy-row")) {
      opened.remove();
      link.setAttribute("aria-expanded", "false");
      return;
    }
    const added = document.createElement("tr");
    added.className = "ls-remedy-row";
    const cell = document.createElement("td");
    cell.colSpan = row.cells.length;
    cell.setAttribute("aria-live", "polite");
    cell.textContent = "Checking …";
    added.append(cell);
    row.after(added);
    link.setAttribute("aria-expanded", "true");
    fill(cell, link.href, () => cell.scrollIntoView({ block: "nearest" }));
  }

  // --- events ---------------------------------------------------------------------------------------------------

  function isPlainClick(event) {
    return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  }

  document.addEventListener("click", (event) => {
    if (!isPlainClick(event) || event.defaultPrevented || !(event.target instanceof Element)) {
      return;
    }
    const link = event.target.closest("a");
    if (link && link.matches("[data-trace-open]")) {
      event.preventDefault();
      opener = link;
      open(link.dataset.traceOpen, link.href);
    } else if (link && link.matches("[data-trace] [role=tab]")) {
      event.preventDefault();
      choose(link);
    } else if (link && link.matches("[data-remedy]")) {
      event.preventDefault();
      toggleRemedy(link);
    } else if (!link && !String(window.getSelection())) {
      const row = event.target.closest(".ls-buyers > tbody > tr[data-reason]");
      const own = row && row.querySelector("[data-remedy]");
      if (own) {
        toggleRemedy(own);
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.target instanceof Element)) {
      return;
    }
    if (event.target.matches("[data-trace] [role=tab]")) {
      moveAlong(event, event.target);
    } else if (event.target.matches("[data-remedy]") && event.key === " ") {
      event.preventDefault();
      toggleRemedy(event.target);
    } else if (event.key === "Enter" && event.target.matches("[data-trace-filter] input")) {
      event.preventDefault(); // the lead's page is a form
    } else if (event.key === "Escape" && event.target.matches("[data-trace-filter] input") && event.target.value) {
      event.preventDefault(); // the first Esc clears the search, the next closes the drawer
      event.target.value = "";
      filter(event.target.closest("[data-trace-filter]"));
    }
  });

  document.addEventListener("input", (event) => {
    const bar = event.target instanceof Element && event.target.closest("[data-trace-filter]");
    if (bar) {
      filter(bar);
    }
  });

  prepare(document);
  openFromAddress();
})();
