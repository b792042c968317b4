/* A form that is refused keeps the file that was chosen: the answer replaces everything but the field of the file. */
(() => {
  "use strict";

  function show(page, form, chosen) {
    const main = page.querySelector("main");
    const field = main && main.querySelector(`#${chosen.id}`);
    if (!field) return form.submit(); // not this form again: let the browser show the answer
    if (!field.closest(".wrong")) {
      field.replaceWith(chosen);
      for (const note of main.querySelectorAll("[data-file-lost]")) note.remove();
    }
    document.querySelector("main").replaceWith(main);
    main.focus();
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const chosen = form.querySelector("input[type=file]");
    if (!chosen || !chosen.files.length) return;
    event.preventDefault();
    try {
      form.querySelector("button[type=submit]").disabled = true; // event.submitter is new in Safari 15.4
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      if (answer.redirected) location.assign(answer.url);
      else show(new DOMParser().parseFromString(await answer.text(), "text/html"), form, chosen);
    } catch {
      form.submit(); // the browser says that the server was not reached
    }
  });
})();
