// Refreshes live figures (dispatch, open calls) every two seconds while the tab is visible. Without scripts, reload the page.
"use strict";
(() => {
  const PERIOD_MS = 2000;
  const PATIENCE_MS = 10000;
  const figures = document.getElementById("live-figures");
  const note = document.getElementById("live-note");
  if (figures === null) {
    return; // the question before a pause or a resume
  }
  let timer = null;
  let isAsking = false;

  class SessionOver extends Error {}

  async function ask() {
    const response = await fetch(window.location.href, {
      headers: { "X-LeadSwitch-Fragment": "1" },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.redirected) {
      throw new SessionOver(); // the login page is no fragment
    }
    if (!response.ok) {
      throw new Error(`The server returned ${response.status}.`);
    }
    const holder = document.createElement("div");
    holder.innerHTML = await response.text();
    return holder;
  }

  // Only what differs is changed: focus, a selection and a press of the mouse outlive it. A row of another id is
  // another row: it is put in place of the old one.
  function follow(old, fresh) {
    if (old.isEqualNode(fresh)) {
      return;
    }
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
      old.replaceWith(fresh);
    } else if (old.nodeType === Node.ELEMENT_NODE) {
      followAttributes(old, fresh);
      followChildren(old, fresh);
    } else {
      old.data = fresh.data;
    }
  }

  function followAttributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name)) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of fresh.attributes) {
      old.setAttribute(name, value);
    }
  }

  function followChildren(old, fresh) {
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    after.forEach((child, at) => (at < before.length ? follow(before[at], child) : old.append(child)));
    before.slice(after.length).forEach((child) => child.remove());
  }

  function say(text) {
    if (note.textContent !== text) {
      note.textContent = text;
    }
  }

  async function refresh() {
    timer = null;
    if (document.hidden || isAsking) {
      return;
    }
    isAsking = true;
    try {
      followChildren(figures, await ask());
      say("");
    } catch (error) {
      const since = document.getElementById("live-time").textContent;
      if (error instanceof SessionOver) {
        say(`Stale: your session expired. These figures are from ${since}. Reload the page to log in.`);
        return; // still asking: never again
      }
      say(`Stale: the figures could not be refreshed. These are from ${since}. Trying again.`);
    }
    isAsking = false;
    plan();
  }

  function plan() {
    if (timer === null && !document.hidden) {
      timer = window.setTimeout(refresh, PERIOD_MS);
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      window.clearTimeout(timer);
      timer = null;
    } else if (timer === null) {
      refresh();
    }
  });
  plan();
})();
