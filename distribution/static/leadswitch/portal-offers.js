/*
Keeps offers live: counts their seconds down, shows new ones, and closes what another buyer got. The stream says that
something changed, and the server's page says what. Without a stream this script asks every two seconds. Without this
script a page is right when it is loaded.
*/
(() => {
  "use strict";
  const POLL_MS = 2000;
  const SAFETY_MS = 30000; // a stream may break without a sign
  const CLOSED_MS = 10000;
  const MOVED_MS = 700;
  const WORDS = {
    taken: "Taken by another buyer",
    over: "Time is over",
    claimed: "Claimed by you",
    closed: "Not open now",
  };
  const live = document.querySelector("[data-live]");
  const how = document.querySelector("[data-live-how]");
  const said = document.querySelector("[data-live-said]");
  const closedAt = new Map(); // by the key of an offer
  let ends = new Map();
  let isListening = false;
  let isAsking = false;
  let isAskedAgain = false;
  let timer = 0;
  let settling = 0;

  const find = (key) => live.querySelector(`[data-key="${key}"]`);
  const keysOf = (list) => [...list.querySelectorAll("[data-key]")].map((each) => each.dataset.key).join();

  /* The server says how many seconds are left: the clock of this device may be wrong. */
  function readEnds() {
    ends = new Map();
    for (const each of live.querySelectorAll("[data-seconds-left]")) {
      ends.set(each, performance.now() + 1000 * Number(each.dataset.secondsLeft));
    }
  }

  function countDown() {
    for (const [each, end] of ends) {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      each.textContent = left > 120 ? `${Math.floor(left / 60)} min left` : `${left} s left`;
      if (!left) close(each.closest("[data-key]"), "over");
    }
  }

  function close(offer, state) {
    if (!offer || offer.dataset.closed) return;
    offer.dataset.closed = state;
    closedAt.set(offer.dataset.key, performance.now());
    for (const each of offer.querySelectorAll("[data-seconds-left]")) {
      ends.delete(each);
      each.textContent = WORDS[state];
    }
    for (const button of offer.querySelectorAll("button")) {
      button.disabled = true;
      button.textContent = WORDS[state];
    }
    said.textContent = WORDS[state];
  }

  /* What has just closed stays for a moment, where it was. */
  function keepClosed(fresh, now) {
    [...live.querySelectorAll("[data-key]")].forEach((offer, index) => {
      const isFresh = fresh.querySelector(`[data-key="${offer.dataset.key}"]`);
      if (isFresh && !offer.dataset.closed) return;
      close(offer, "closed");
      isFresh?.remove();
      if (now - closedAt.get(offer.dataset.key) > CLOSED_MS) return;
      fresh.querySelector(".empty")?.remove();
      fresh.insertBefore(offer, fresh.children[index] ?? null);
    });
  }

  /* The menu says how many there are. */
  function showCount(count) {
    const tab = document.querySelector("[data-open-offers]");
    tab.textContent = count;
    tab.hidden = count === "0";
  }

  function showList(fresh) {
    const [before, count] = [keysOf(live), live.querySelector("[data-offers]").dataset.offers];
    keepClosed(fresh, performance.now());
    live.replaceChildren(fresh);
    if (keysOf(live) !== before) noteMove();
    if (fresh.dataset.offers !== count) {
      showCount(fresh.dataset.offers);
      said.textContent = fresh.dataset.offers === "1" ? "1 open offer" : `${fresh.dataset.offers} open offers`;
    }
  }

  function noteMove() {
    live.dataset.moved = "";
    clearTimeout(settling);
    settling = setTimeout(() => delete live.dataset.moved, MOVED_MS);
  }

  function showOffer(fresh) {
    if (fresh.dataset.state === find(fresh.dataset.key)?.dataset.state) return;
    live.replaceChildren(fresh);
    said.textContent = WORDS[fresh.dataset.state] ?? "";
  }

  function show(html) {
    const answer = new DOMParser().parseFromString(html, "text/html");
    const [list, offer, focused] = [
      answer.querySelector("[data-offers]"),
      answer.querySelector("[data-live] [data-key]"),
      document.activeElement?.id,
    ];
    if (list) showList(list);
    else if (offer) showOffer(offer);
    if (focused) document.getElementById(focused)?.focus();
    readEnds();
    countDown();
  }

  function tell(text) {
    how.textContent = text;
    live.dataset.by = isListening ? "stream" : "poll";
  }

  async function ask() {
    try {
      const answer = await fetch(live.dataset.live, { cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") location.reload(); // the session ended: the page asks to sign in
      if (answer.ok) show(await answer.text());
      tell(isListening ? "Live: changes show at once." : "Changes show within 2 seconds.");
    } catch {
      tell("No connection. Trying again.");
    }
  }

  /* One at a time: an older answer must not replace a newer one. */
  async function refresh() {
    isAskedAgain = isAsking;
    if (isAsking || document.hidden) return;
    isAsking = true;
    await ask();
    isAsking = false;
    if (isAskedAgain) await refresh();
  }

  function keepFresh() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      await refresh();
      keepFresh();
    }, isListening ? SAFETY_MS : POLL_MS);
  }

  function listen() {
    const source = new EventSource(live.dataset.stream, { withCredentials: true });
    source.addEventListener("open", () => turn(true));
    source.addEventListener("offer", () => refresh());
    source.addEventListener("offer_closed", (event) => {
      const { id, state } = JSON.parse(event.data);
      close(find(id), state);
      refresh();
    });
    source.addEventListener("error", () => {
      turn(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, SAFETY_MS);
    });
  }

  function turn(isOn) {
    isListening = isOn;
    refresh();
    keepFresh();
  }

  /* A finger that was on its way to another offer must not buy this one. */
  function refuseAfterMove(event) {
    if (!("moved" in live.dataset)) return;
    event.preventDefault();
    how.textContent = "The list has just changed. Press again.";
  }

  readEnds();
  setInterval(countDown, 500);
  live.addEventListener("submit", refuseAfterMove);
  document.addEventListener("visibilitychange", () => refresh());
  keepFresh();
  listen();
})();
