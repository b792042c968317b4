// Checks fields while they are edited: the text goes to the address in `data-check`, and its answer is shown
// under the field. Without this script the form checks when it is saved.
"use strict";
(() => {
  const PAUSE_MS = 400;
  const UNREACHABLE = { is_valid: null, says: ["This could not be checked right now. Save to check it."], preview: "" };

  function watch(field) {
    const box = document.createElement("div");
    const words = document.createElement("div");
    const preview = document.createElement("div");
    box.className = "admin-typed";
    words.id = `${field.id}_typed`;
    words.setAttribute("role", "status");
    box.append(words, preview);
    (field.closest(".flex-container") || field).after(box);
    const described = field.getAttribute("aria-describedby");
    field.setAttribute("aria-describedby", described ? `${described} ${words.id}` : words.id);

    let timer = 0;
    let asked = null;
    let shown = null;

    function show(answer) {
      const lines = answer.says.map((text) => {
        const line = document.createElement("p");
        line.textContent = text;
        return line;
      });
      words.replaceChildren(...lines);
      preview.innerHTML = answer.preview; // drawn and escaped by the server
      box.dataset.state = answer.is_valid === null ? "unchecked" : answer.is_valid ? "valid" : "wrong";
      if (answer.is_valid === false) {
        field.setAttribute("aria-invalid", "true");
      } else {
        field.removeAttribute("aria-invalid");
      }
    }

    async function check() {
      const text = field.value;
      asked?.abort();
      if (text === shown) {
        return;
      }
      asked = new AbortController();
      const { signal } = asked;
      try {
        const response = await ask(field, text, signal);
        const waitSeconds = Number(response.headers.get("Retry-After"));
        if (waitSeconds > 0) {
          soon(waitSeconds * 1000);
        }
        show(response.headers.get("Content-Type") === "application/json" ? await response.json() : UNREACHABLE);
        shown = response.ok ? text : null;
      } catch (error) {
        if (!signal.aborted) {
          shown = null;
          show(UNREACHABLE);
        }
      }
    }

    function soon(delayMs) {
      window.clearTimeout(timer);
      timer = window.setTimeout(check, delayMs);
    }

    field.addEventListener("input", () => soon(PAUSE_MS));
    field.addEventListener("focus", () => shown === null && field.value.trim() && soon(0));
  }

  function ask(field, text, signal) {
    const token = field.form.elements.namedItem("csrfmiddlewaretoken").value;
    const body = new URLSearchParams({ text, csrfmiddlewaretoken: token });
    return fetch(field.dataset.check, { method: "POST", body, signal, credentials: "same-origin" });
  }

  document.querySelectorAll("textarea[data-check]").forEach(watch);
})();
