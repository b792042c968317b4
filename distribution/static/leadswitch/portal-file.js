/* A form that is refused keeps the file that was chosen: the answer replaces everything but the field of the file. */
(() => {
  "use strict";

  function show(page, chosen) {
    const field = page.getElementById(chosen.id);
    const main = field && field.closest("main");
    if (!main) return document.documentElement.replaceWith(page.documentElement); // not this form again
    if (!field.closest(".wrong")) {
      field.replaceWith(chosen);
      for (const note of main.querySelectorAll("[data-file-lost]")) note.remove();
    }
    document.querySelector("main").replaceWith(main);
    main.focus();
  }

  /* Only without an answer is it sent again, by the browser, which says that the server was not reached. */
  async function send(form) {
    try {
      form.querySelector("button[type=submit]").disabled = true;
      return await fetch(form.action, { method: "POST", body: new FormData(form) });
    } catch {
      form.submit();
      return null;
    }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const chosen = form.querySelector("input[type=file]");
    if (!chosen || !chosen.files.length) return;
    event.preventDefault();
    const answer = await send(form);
    if (!answer) return;
    if (answer.redirected) return location.assign(answer.url);
    const text = await answer.text().catch(() => null);
    if (text === null) location.assign(form.action); // it broke off: the page says whether the request was made
    else show(new DOMParser().parseFromString(text, "text/html"), chosen);
  });
})();
