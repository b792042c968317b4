/* Counts down the seconds of offers, and shows new ones. Without this script the page is right when it is loaded. */
(() => {
  "use strict";
  const EVERY_MS = 2000;
  const list = document.querySelector("[data-live]");
  const said = document.querySelector("[data-live-count]");
  let ends = new Map();

  /* The server says how many seconds are left: the clock of this device may be wrong. */
  function readEnds() {
    ends = new Map();
    for (const each of document.querySelectorAll("[data-seconds-left]")) {
      ends.set(each, performance.now() + 1000 * Number(each.dataset.secondsLeft));
    }
  }

  function countDown() {
    for (const [each, end] of ends) {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      each.textContent = left > 120 ? `${Math.floor(left / 60)} min left` : left ? `${left} s left` : "time is over";
    }
  }

  function show(html) {
    const key = document.activeElement?.dataset?.key;
    const before = list.querySelector("[data-offers]")?.dataset.offers;
    list.innerHTML = html;
    if (key) list.querySelector(`[data-key="${key}"]`)?.focus();
    const after = list.querySelector("[data-offers]")?.dataset.offers;
    if (after !== before) said.textContent = after === "1" ? "1 open offer" : `${after} open offers`;
    readEnds();
    countDown();
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(list.dataset.live, { cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") location.reload(); // the session ended: the page asks to sign in
      if (answer.ok) show(await answer.text());
    } catch {
      /* The next round tries again. */
    }
  }

  async function keepFresh() {
    await refresh();
    setTimeout(keepFresh, EVERY_MS);
  }

  readEnds();
  setInterval(countDown, 500);
  if (list) setTimeout(keepFresh, EVERY_MS);
})();
